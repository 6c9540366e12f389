# Values of the classes that users meet: samples[class name] is a list. Made once, on a machine with two CPUs.
import devices
import faults
import loader
import machine
import memory
import processors
import replacement
from faults import probe
from loader.callbacks import callback
from memory import *
from paging import *

samples = {}


def add(value):
    samples.setdefault(type(value).__name__, []).append(value)
    return value


def tried(act):
    try:
        act()
    except Exception as error:
        return add(error)
    raise AssertionError("that should have been refused")


rw = PteFlags().writable(True)
m = add(create_mapping(8192, rw))
for each in (m.range, m.start, m.start_address, m.flags, m.page_table, m.frames()[0], m.frames()[0].start):
    add(each)
add(m.frames()[0].start_address)
add(allocate_pages(2))
add(allocate_frames(2))
add(get_kernel_mmi_ref())
add(BootInfo())
for each in memory.frame_allocator, memory.page_allocator:
    add(each)
    add(each.statistics())

mapper = add(OffsetPageTable())
add(active_level_4_table())
entry = add(active_level_4_table()[256])
add(entry.flags)
add(mapper.translate(m.start_address))
add(mapper.walk(m.start_address))
add(mapper.walk(m.start_address)[0])
for technique in IdentityPageTable, RecursivePageTable:
    with technique() as each:
        add(each)
page = Page(0x12345)
allocator = add(BootInfoFrameAllocator.init(BootInfo().memory_map))
token = add(mapper.map_to(page, Frame(0xB8), PteFlagsX86_64.PRESENT, allocator))
token.flush()
add(EmptyFrameAllocator())
add(mapper.ledger)
add(Stack(2))
add(Page2M)
add(SharedFrames(allocate_frames(1)))

area = PageRange.from_virt_addr(VirtualAddress(0x100000000000), 4096)
add(faults.on_fault(area, lambda fault: False))
fault = tried(lambda: machine.mem8[0x100000000000])
add(fault.error_code)
add(fault.walk)
tried(lambda: machine.mem8[1 << 62])
add(probe.access(0x1000, probe.READ))
add(probe.access(m.start_address.value, probe.READ))

view = m.as_slice_mut("B")
tried(m.drop)
tried(lambda: m.as_slice("B"))
view.release()
tried(lambda: view[0])
tried(lambda: m.as_slice("B", 0, 9000))
tried(lambda: create_mapping(4096, rw.executable(True)))
tried(lambda: allocate_pages_at(m.start_address, 1))
gone = create_mapping(4096, rw)
gone.drop()
tried(gone.drop)
tried(lambda: VirtualAddress(1 << 62))
tried(lambda: PhysicalAddress(1 << 60))
tried(lambda: Page.from_start_address(VirtualAddress(5)))
tried(lambda: create_mapping(1 << 40, rw))
tried(lambda: allocate_pages(1 << 50))
tried(lambda: mapper.map_to(m.start, Frame(0xB8), PteFlagsX86_64.PRESENT, EmptyFrameAllocator()))
tried(lambda: mapper.map_to(Page(0x1234500), Frame(0xB8), PteFlagsX86_64.PRESENT, EmptyFrameAllocator()))
tried(lambda: mapper.unmap(Page(0x99999)))
tried(lambda: m.merge(create_mapping(4096, PteFlags())))

swapped = add(replacement.Swapped(PageRange.from_virt_addr(VirtualAddress(0x200000000000), 16 << 12), frames=4))
swapped.memory[0] = 1
with open("digits", "w") as file:
    file.write("0123456789" * 400)
add(replacement.map_file("digits", frames=2))
add(processors.processor(1))
add(devices.find(0x8086, 0x2918))
add(add(devices.find(0x8086, 0x2922)).bar(5))
tried(lambda: devices.find(1, 2))
add(callback(lambda a: a, "q(q)"))
tried(lambda: loader.symbol("twcie"))
