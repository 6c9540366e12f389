// Devices that read and write RAM by themselves, until they are told not to. They know nothing of a soft reset, before
// which all of them are told: what they were given is somebody else's then.
// PCI Local Bus Specification 3.0, "Configuration Space"; PCI-to-PCI Bridge Architecture Specification, "Bus Numbers".
#include "port/hardware/bus_masters.h"
#include "port/hardware/instructions.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define ENABLE (1UL << 31)
#define COMMAND 0x04
#define BUS_MASTER (1 << 2)
#define SECONDARY 0x18          // of a bridge: bits 23:16 are the last bus behind it
#define HEADER 0x0c             // bits 22:16 its kind, bit 23: there are more functions
#define SLOTS 32
#define NOBODY 0xffff

static uint32_t select_and_read(uint32_t function, uint32_t offset) {
    port_write_32(CONFIG_ADDRESS, ENABLE | function << 8 | offset);
    return port_read_32(CONFIG_DATA);
}

// Returns the last bus behind it, if it is a bridge.
static uint32_t stop(uint32_t function) {
    if ((select_and_read(function, 0) & NOBODY) == NOBODY) {
        return 0;
    }
    uint32_t last = (select_and_read(function, HEADER) >> 16 & 0x7f) == 1 ? select_and_read(function, SECONDARY) >> 16 & 0xff : 0;
    uint16_t command = select_and_read(function, COMMAND);
    port_write_16(CONFIG_DATA, command & ~BUS_MASTER);
    return last;
}

void bus_masters_stop(void) {
    uint32_t last = 0;
    for (uint32_t slot = 0; slot < (last + 1) * SLOTS; slot++) {
        uint32_t functions = select_and_read(slot * 8, HEADER) & 1 << 23 ? 8 : 1;
        for (uint32_t function = slot * 8; function < slot * 8 + functions; function++) {
            uint32_t behind = stop(function);
            last = behind > last ? behind : last;
        }
    }
}
