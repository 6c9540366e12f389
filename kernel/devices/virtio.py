"""What all virtio devices have in common: features, a status, queues. How a driver is written:

    device = VirtioDevice("disk", 2, features=1 << 9)       # of type 2, with a feature if it has it
    device.features & 1 << 9                                # it has
    device.configuration({"capacity": (0 | ARRAY, 2 | UINT32)}).capacity
    device.queues[0].run([(address, 16, False), (address + 16, 512, True)])     # True: the device writes there

Who waits polls; who does not gives chains with submit(), and asks finished() later. Virtual I/O Device (VIRTIO) Version
1.1, "Device Initialization", "Common configuration structure layout".
"""

from time import ticks_diff, ticks_ms

import machine
from memory.ledger import undisturbed
from micropython import const

from .errors import DeviceFailed, DeviceTimeout, FeaturesRefused, NotVirtio
from .virtio_pci import COMMON, CONFIGURATION, DOORBELLS, REGISTERS, Structures, find_virtio
from .virtqueue import MOST, Queue

ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128  # bits of the status
VERSION_1 = 1 << 32
PATIENCE_MS = const(30000)  # a disk of the host's may be slow


class VirtioDevice:
    """Having one means that nobody else drives it. drop() gives it back; forgotten, its queues stay lent.

    .function, .features    the Function of the bus; the bits that both know
    .queues                 its Queues
    .is_running             False after a reset: who gives it the next chain starts it again
    .patience_ms            how long it may take for what it is asked
    """

    patience_ms = PATIENCE_MS

    def __init__(self, name, kind, index=0, features=0, queues=1, hint="`pci` lists what there is"):
        """Drive the `index`-th device of type `kind`, which people call `name`, with its first `queues` queues.

        `features` are the bits that the driver knows, `hint` what to do when there is none. Raises NoSuchDevice,
        NotVirtio, BarInUse, FeaturesRefused, DeviceTimeout, OutOfFrames, OutOfPages; then nothing is claimed or lent.
        """
        self.function = find_virtio(name, kind, index, hint)
        self.name = name
        self.is_running, self.features, self.queues = False, 0, []
        self._known, self.registers = features | VERSION_1, None
        self._structures = Structures(self.function, self)
        try:
            self.registers = self._structures.view(COMMON, REGISTERS)
            self.reset()
            for number in range(queues):
                self._add_queue(number)
            self.start()
            for _ in "12":  # a Ctrl-C that waited comes here
                pass
            return  # in here: it also comes where a `try` ends
        except BaseException:
            self.drop()
            raise

    @undisturbed
    def _add_queue(self, number):
        registers = self.registers
        registers.queue_select = number
        size = min(registers.queue_size, MOST) if number < registers.queues else 0
        if size == 0:
            raise NotVirtio(self, "it has no queue %d" % number)
        at = registers.queue_doorbell * self._structures.multiplier
        self.queues.append(Queue(self, number, size, self._structures.address(DOORBELLS, at)))

    def configuration(self, layout):
        """Lend the registers that devices of its type alone have, in the notation of `uctypes`. Raises NotVirtio."""
        return self._structures.view(CONFIGURATION, layout)

    def steady(self, read):
        """What read() returns of those registers when the device has changed none of them meanwhile."""
        while True:
            generation = self.registers.generation
            value = read()
            if self.registers.generation == generation:
                return value

    def start(self):
        """Agree on features, and let it take chains. Raises FeaturesRefused, or DeviceTimeout: it can't be reset."""
        registers = self.registers
        self.reset()
        if registers.status:
            raise DeviceTimeout(self, "a reset", self.patience_ms)
        self.function.master(True)
        registers.status = ACKNOWLEDGE
        registers.status = ACKNOWLEDGE | DRIVER
        offered = 0
        for word in 0, 1:
            registers.device_feature_select = word
            offered |= registers.device_feature << 32 * word
        self.features = offered & self._known
        for word in 0, 1:
            registers.driver_feature_select = word
            registers.driver_feature = self.features >> 32 * word & 0xFFFFFFFF
        registers.status = ACKNOWLEDGE | DRIVER | FEATURES_OK
        if not (self.features & VERSION_1 and registers.status & FEATURES_OK):
            registers.status = FAILED
            raise FeaturesRefused(self, offered, self.features)
        for queue in self.queues:
            registers.queue_select = queue.number
            registers.queue_size = queue.size
            for at in range(6):
                registers.queue_addresses[at] = queue.addresses[at // 2] >> 32 * (at % 2) & 0xFFFFFFFF
            registers.queue_enable = 1
        registers.status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK
        self.is_running = True

    @undisturbed
    def reset(self):
        """Stop it, whatever it was about to do: it has no chain any more, and reads and writes no memory."""
        self.is_running = False
        self.registers.status = 0
        start = ticks_ms()
        while self.registers.status and ticks_diff(ticks_ms(), start) <= self.patience_ms:
            pass
        self.function.master(False)
        for queue in self.queues:
            queue.forget()

    def wait(self, ask, chain, what):
        """What ask(chain) returns once that is not None. Raises DeviceTimeout, DeviceFailed, or what ask() raises."""
        start = ticks_ms()
        while True:
            answer = ask(chain)
            if answer is not None:
                return answer
            if self.registers.status & NEEDS_RESET:
                raise DeviceFailed(self, "it says amid %s that it has to be reset" % what)
            if ticks_diff(ticks_ms(), start) > self.patience_ms:
                raise DeviceTimeout(self, what, self.patience_ms)
            machine.idle()

    @undisturbed
    def drop(self):
        """Stop it, and give back its registers and the queues' memory. Raises UseAfterRelease when that was done."""
        if self.registers is not None:  # else it was told nothing yet
            self.reset()
        for queue in self.queues:
            queue.drop()
        self._structures.drop()

    def __repr__(self):
        return "%s at %s" % (self.name, self.function.place)
