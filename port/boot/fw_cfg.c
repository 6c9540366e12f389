// QEMU, "QEMU Firmware Configuration (fw_cfg) Device".
#include <stdbool.h>
#include <string.h>
#include "port/boot/fw_cfg.h"
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

size_t fw_cfg_read(const char *name, char *to, size_t capacity) {
    file_t file;
    if (!find_file(name, &file)) {
        return FW_CFG_NONE;
    }
    const size_t size = (size_t)file.size[0] << 24 | file.size[1] << 16 | file.size[2] << 8 | file.size[3];
    read_item(file.item[0] << 8 | file.item[1], to, size < capacity ? size : capacity);
    return size;
}
