# Random acts on mappings, after each of which the other CPU sees what is true. Runs after prelude.py.
import random

from memory import PteFlagsX86_64

table = get_kernel_mmi_ref().page_table
LOW = (BASE & -(PAGES_PER_ROOT_ENTRY << 12)) + (PAGES_PER_ROOT_ENTRY << 12)
READ_ONLY = PteFlags()
GLOBAL_RW = RW.to_arch() | PteFlagsX86_64.GLOBAL


class Seen:
    """Mappings as they ought to be, by the address of each page: (value in its first word, may be written)."""

    def __init__(self, seed):
        random.seed(seed)
        self.owners = []  # MappedPages
        self.truth = {}
        self.gone = []  # addresses that led somewhere once
        self.value = 1
        self.wrong = []

    def pages_of(self, owner):
        first = owner.start_address.value
        return [first + n * 4096 for n in range(owner.size_in_pages)]

    def make(self):
        count = random.choice((1, 2, 3, 30, 70, 600))
        flags = random.choice((RW, GLOBAL_RW))
        if random.getrandbits(1):
            owner = create_mapping(count * 4096, flags, huge=False)
        else:
            place = VirtualAddress(LOW + random.getrandbits(9) * (1 << 22))
            try:
                owner = create_mapping_at(place, count * 4096, flags, huge=count >= 512)
            except AddressInUse:
                return
        self.owners.append(owner)
        for address in self.pages_of(owner):
            self.truth[address] = [0, True]
        for address in self.some(self.pages_of(owner)):
            self.write(address)

    def some(self, addresses):
        return [random.choice(addresses) for _ in range(3)]

    def write(self, address):
        """By the other CPU: its TLB knows the page, and that it is dirty, from now on."""
        self.value += 1
        ap.write(address, self.value)
        self.truth[address][0] = self.value

    def take(self):
        return self.owners.pop(random.randrange(len(self.owners)))

    def forget(self, addresses):
        for address in addresses:
            del self.truth[address]
        self.gone.append(addresses[0])
        self.gone.append(addresses[-1])

    def drop(self):
        owner = self.take()
        addresses = self.pages_of(owner)
        owner.drop()
        self.forget(addresses)

    def parts(self):
        owner = self.take()
        addresses = self.pages_of(owner)
        pages, frames = owner.unmap_into_parts()
        for each in (pages,) + tuple(frames if isinstance(frames, (list, tuple)) else (frames,)):
            each.drop()
        self.forget(addresses)

    def remap(self):
        owner = random.choice(self.owners)
        writable = random.getrandbits(1)
        owner.remap(RW if writable else READ_ONLY)
        for address in self.pages_of(owner):
            self.truth[address][1] = bool(writable)

    def split(self):
        owner = self.take()
        count = owner.size_in_pages
        if count == 1:
            self.owners.append(owner)
            return
        page = Page.containing_address(VirtualAddress(self.pages_of(owner)[random.randrange(1, count)]))
        self.owners += list(owner.split(page))

    def look(self):
        """The other CPU looks at some pages of each owner, and at what is gone."""
        for owner in self.owners:
            for address in self.some(self.pages_of(owner)):
                value, writable = self.truth[address]
                try:
                    found = ap.read(address)
                except PageFault:
                    found = "fault"
                if found != value:
                    self.wrong.append(("read", hex(address), found, value))
                written = outcome(ap.write, address, value)
                if written != ("done" if writable else 3):
                    self.wrong.append(("write", hex(address), written, writable))
        for address in self.gone[-6:]:
            if address not in self.truth and outcome(ap.read, address) == "done":
                self.wrong.append(("gone", hex(address)))

    def run(self, steps):
        acts = self.drop, self.parts, self.remap, self.remap, self.split
        for n in range(steps):
            act = self.make if len(self.owners) < 4 else random.choice(acts + (self.make,))
            act()
            if random.getrandbits(3) == 0:
                ap.park()
            self.look()
            if self.wrong:
                return n, act.__name__, self.wrong[:4]
        while self.owners:
            self.drop()
        self.look()
        return steps, memory.verify().violations, self.wrong


def outcome(act, *arguments):
    try:
        act(*arguments)
    except PageFault as fault:
        return fault.error_code.value
    return "done"
