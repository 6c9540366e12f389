"""What the devices' side refuses. Either way nothing was claimed, lent, written or started.

KernelError
└── DeviceError
    ├── NoSuchDevice         no function of the bus is what was asked for
    ├── NoSuchBar            the function has no such BAR, or it is no memory where memory is meant
    ├── BarInUse             somebody has claimed it
    ├── NoRoomForBar         no address is left for it
    ├── NoSuchCapability     the function does not have what was asked for
    ├── NotVirtio            the function does not have the registers of virtio 1.0
    ├── FeaturesRefused      it does not work with the features that its driver knows
    ├── QueueFull            a queue has no room for another chain
    ├── DeviceTimeout        it did not say within its time that it is done
    ├── DeviceFailed         it said itself that it has to be reset, or said nonsense
    └── DamagedTable         a table of ACPI's contradicts itself
"""

from memory_structs import KernelError


class DeviceError(KernelError):
    """Something about `device`, which is a Function, a driver or a name."""

    def __init__(self, device, text):
        self.device = device
        super().__init__("%s: %s" % (device, text))


class NoSuchDevice(KernelError):
    """No device is `wanted`."""

    def __init__(self, wanted, hint="`pci` lists what there is"):
        self.wanted = wanted
        super().__init__("there is no %s: %s" % (wanted, hint))


class NoSuchBar(DeviceError):
    """`device` has no BAR `index` of that kind."""

    def __init__(self, device, index, text):
        self.index = index
        super().__init__(device, "BAR %s %s" % (index, text))


class BarInUse(DeviceError):
    """`bar` was claimed by `holder`, whose mapping lives."""

    def __init__(self, bar, holder):
        self.bar = bar
        self.holder = holder
        super().__init__(bar.function, "BAR %d is claimed by %s: drop() that mapping first" % (bar.index, holder))


class NoRoomForBar(DeviceError):
    """No free addresses are left where BAR `index` could be put."""

    def __init__(self, device, index, size):
        self.index = index
        self.size = size
        super().__init__(device, "no addresses are free for BAR %d of %s bytes" % (index, hex(size)))


class NoSuchCapability(DeviceError):
    """`device` lacks the capability `name`."""

    def __init__(self, device, name):
        self.name = name
        super().__init__(device, "it has no capability %s" % name)


class NotVirtio(DeviceError):
    """`device` does not have what virtio 1.0 asks for."""


class FeaturesRefused(DeviceError):
    """`device` offers the bits `offered`, and does not work with those that were `accepted`."""

    def __init__(self, device, offered, accepted):
        self.offered = offered
        self.accepted = accepted
        text = "of the features %s that it offers it refuses to work with no more than %s"
        super().__init__(device, text % (hex(offered), hex(accepted)))


class QueueFull(DeviceError):
    """Queue `number` of `device` has `free` descriptors, which is less than `wanted`."""

    def __init__(self, device, number, wanted, free):
        self.number = number
        self.wanted = wanted
        self.free = free
        super().__init__(device, "queue %d has %d descriptors free, not %d" % (number, free, wanted))


class DeviceTimeout(DeviceError):
    """`device` has not said within its time that it is done."""

    def __init__(self, device, what, patience_ms):
        super().__init__(device, "%s took more than %d ms" % (what, patience_ms))


class DeviceFailed(DeviceError):
    """`device` has to be reset before it works again, which its driver does when it is used the next time."""


class HostWantsMore(DeviceError):
    """The host wants `wanted` frames and has `held`: the kernel keeps the last `reserve` of those that are free."""

    def __init__(self, device, wanted, held, reserve):
        self.wanted = wanted
        self.held = held
        self.reserve = reserve
        text = "the host wants %d frames and has %d now: the last %d that are free stay here"
        super().__init__(device, text % (wanted, held, reserve))


class DamagedTable(KernelError):
    """The table `signature` of ACPI's, at a physical address, is not what its checksum and length say."""

    def __init__(self, signature, address):
        self.signature = signature
        self.address = address
        super().__init__("ACPI's table %s at p%s has a wrong checksum or length" % (signature, hex(address)))
