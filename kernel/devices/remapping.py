"""A unit that translates for devices, by its registers; and off with what somebody else has switched on.

Intel VT-d Specification, "Register Descriptions".
"""

from time import ticks_diff, ticks_ms

from memory_structs import PAGE_SHIFT
from micropython import const
from paging.natives import memory as raw
from paging.protection import Protection, address_in_window
from uctypes import ARRAY, UINT32, UINT64

from .acpi import remapping_units
from .errors import DeviceTimeout

COMMAND, STATUS = const(0x18), const(0x1C)
REGISTERS = {
    "capability": 0x08 | UINT64,
    "more_capability": 0x10 | UINT64,
    "command": COMMAND | UINT32,
    "status": STATUS | UINT32,
    "root": 0x20 | UINT64,
    "context_command": 0x28 | UINT64,
    "fault_status": 0x34 | UINT32,
}
# Of command and status: translation is on; the root was taken. In the status other bits say what is on besides.
TRANSLATE, TAKE_ROOT = const(1 << 31), const(1 << 30)
LASTING = const(0x96FFFFFF)  # of the status: what a command has to repeat
# Of capability: which depths of tables, the bits of an address, where the fault records are, and how many.
DEPTHS_AT, WIDTH_AT, RECORDS_AT, RECORD_COUNT_AT = const(8), const(16), const(24), const(40)
# Of more_capability: where the register for the IOTLB is.
IOTLB_AT = const(8)
BYTES_OF_A_PLACE = const(16)
PATIENCE_MS = const(2000)


def layout(capability, more_capability):
    """All registers of a unit with these capabilities: REGISTERS, "iotlb", and "faults", two words a record."""
    records = (capability >> RECORD_COUNT_AT & 0xFF) + 1
    found = dict(REGISTERS)
    found["iotlb"] = (more_capability >> IOTLB_AT & 0x3FF) * BYTES_OF_A_PLACE + 8 | UINT64
    found["faults"] = (capability >> RECORDS_AT & 0x3FF) * BYTES_OF_A_PLACE | ARRAY, 2 * records | UINT64
    return found


def forget():
    """Switch translation off in every unit: what their tables were is somebody else's memory now.

    Firmware may have left it on, and so does a soft reset, after which no device is a bus master. Raises DamagedTable
    or DeviceTimeout.
    """
    for address in remapping_units()[0]:
        if address >> PAGE_SHIFT >= Protection.live.window_pages:
            continue
        at = address_in_window(address >> PAGE_SHIFT)
        status, start = raw.load32(at + STATUS), ticks_ms()
        if status & TRANSLATE:
            raw.store32(at + COMMAND, status & LASTING & ~TRANSLATE)
            while raw.load32(at + STATUS) & TRANSLATE:
                if ticks_diff(ticks_ms(), start) > PATIENCE_MS:
                    raise DeviceTimeout("the IOMMU at p%s" % hex(address), "switching it off", PATIENCE_MS)
