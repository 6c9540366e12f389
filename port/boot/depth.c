// How many levels of tables: four, or five where QEMU was given `-fw_cfg name=opt/clew-paging,string=5` and the CPU has
// LA57. QEMU, "QEMU Firmware Configuration (fw_cfg) Device": it is reached by ports, so with every loader alike.
#include <stdbool.h>
#include <string.h>
#include "port/boot/depth.h"
#include "port/console/log.h"
#include "port/console/uart.h"
#include "port/faults/panic.h"
#include "port/hardware/instructions.h"

#define SELECTOR_PORT       0x510
#define DATA_PORT           0x511
#define ITEM_SIGNATURE      0x00
#define ITEM_DIRECTORY      0x19
#define FILES_MAX           256

typedef struct { uint8_t size[4], item[2], reserved[2]; char name[56]; } file_t;    // numbers are big-endian

static void read_bytes(void *to, size_t count) {
    for (uint8_t *at = to; count > 0; count--) {
        *at++ = port_read_8(DATA_PORT);
    }
}

static void read_item(unsigned item, void *to, size_t count) {
    port_write_16(SELECTOR_PORT, item);
    read_bytes(to, count);
}

// Find a file in QEMU's directory. False without QEMU, too.
static bool find_file(const char *name, file_t *found) {
    uint8_t start[4];
    read_item(ITEM_SIGNATURE, start, sizeof start);
    if (memcmp(start, "QEMU", sizeof start) != 0) {
        return false;
    }
    read_item(ITEM_DIRECTORY, start, sizeof start);
    for (unsigned left = start[2] << 8 | start[3]; left > 0 && left <= FILES_MAX; left--) {
        read_bytes(found, sizeof *found);
        if (strncmp(found->name, name, sizeof found->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_five_levels(void) {
    uint32_t out[4];
    cpuid_read(0, 0, out);
    if (out[0] < 7) {
        return false;
    }
    cpuid_read(7, 0, out);
    return out[2] >> 16 & 1;
}

void depth_choose(void) {
    static const char without[] = "clew: this CPU has no LA57, so there are four levels of page tables, not five\r\n";
    file_t file;
    char wanted;
    if (!find_file("opt/clew-paging", &file)) {
        return;
    }
    read_item(file.item[0] << 8 | file.item[1], &wanted, sizeof wanted);
    if (memcmp(file.size, "\0\0\0\1", sizeof file.size) != 0 || (wanted != '4' && wanted != '5')) {
        boot_refuse("opt/clew-paging must be 4 or 5, the levels of page tables");
    }
    if (wanted == '5' && has_five_levels()) {
        five_levels_enter();
    } else if (wanted == '5') {
        uart_send(without, sizeof without - 1);
        log_print("%s", without);
    }
}
