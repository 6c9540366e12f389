// Read what the loader left in memory, multiboot2 or PVH, into boot_info.
// Multiboot2 Specification 2.0, "Boot information format"; Xen, "x86/HVM direct boot ABI" (hvm_start_info).
// Runs on the entry tables: physical addresses below 4 GiB are their own pointers.
#include <stdbool.h>
#include <string.h>
#include "boot/layout.h"
#include "port/boot/fw_cfg.h"
#include "port/boot/info.h"
#include "port/faults/panic.h"

#define ENTRY_TABLES_END (1UL << 32)
#define TOO_LONG "the command line is longer than 2047 bytes"

boot_info_t boot_info;

static void add_region(uint64_t start, uint64_t length, uint32_t kind) {
    if (length == 0) {
        return;
    }
    if (boot_info.regions_count == MEMORY_REGIONS_MAX) {
        boot_refuse("the memory map has more than 1024 regions");
    }
    uint64_t end = start + length < start ? UINT64_MAX : start + length;
    boot_info.regions[boot_info.regions_count++] = (memory_region_t) { start, end, kind };
    if (kind == REGION_USABLE) {
        boot_info.usable_bytes += end - start;
        if (end > boot_info.ram_end) {
            boot_info.ram_end = end;
        }
    }
}

static void add_reserved(uint64_t start, uint64_t length) {
    boot_info.reserved[boot_info.reserved_count++] = (memory_region_t) { start, start + length, 0 };
}

static void copy_text(char *to, size_t capacity, const char *from, const char *what) {
    size_t length = strlen(from);
    if (length >= capacity) {
        boot_refuse(what);
    }
    memcpy(to, from, length + 1);
}

// Words that QEMU has for the command line, `-fw_cfg name=opt/clew-words,string=guard`: GRUB is told nothing of ours.
static void add_words(void) {
    char *end = boot_info.command_line + strlen(boot_info.command_line);
    const size_t blank = end != boot_info.command_line;
    const size_t left = boot_info.command_line + COMMAND_LINE_MAX - end - blank;    // with the 0 behind them
    const size_t size = fw_cfg_read("opt/clew-words", end + blank, left);
    if (size == FW_CFG_NONE) {
        return;
    }
    if (size >= left) {
        boot_refuse(TOO_LONG);
    }
    end[blank + size] = 0;
    if (blank) {
        *end = ' ';
    }
}

static void add_module(uint64_t start, uint64_t end, const char *name) {
    if (boot_info.modules_count == MODULES_MAX) {
        boot_refuse("more than 32 boot modules");
    }
    boot_module_t *module = &boot_info.modules[boot_info.modules_count++];
    module->start = start;
    module->end = end;
    copy_text(module->name, MODULE_NAME_MAX, name, "the name of a boot module is longer than 127 bytes");
}

// --- multiboot2 ---

enum { TAG_END = 0, TAG_COMMAND_LINE = 1, TAG_MODULE = 3, TAG_MEMORY_MAP = 6, TAG_FRAMEBUFFER = 8, TAG_ACPI_OLD = 14, TAG_ACPI_NEW = 15 };

typedef struct { uint32_t type, size; } tag_t;
typedef struct { tag_t tag; uint32_t entry_size, entry_version; char entries[]; } memory_map_tag_t;
typedef struct { uint64_t start, length; uint32_t kind, zero; } memory_map_entry_t;
typedef struct { tag_t tag; uint32_t start, end; char name[]; } module_tag_t;
typedef struct { tag_t tag; uint64_t address; uint32_t pitch, width, height; uint8_t bits_per_pixel, kind; } framebuffer_tag_t;

static void read_memory_map(const memory_map_tag_t *map) {
    const char *end = (const char *)map + map->tag.size;
    if (map->entry_size < sizeof(memory_map_entry_t)) {
        boot_refuse("the loader's memory map has entries of less than 24 bytes");
    }
    for (const char *entry = map->entries; entry + sizeof(memory_map_entry_t) <= end; entry += map->entry_size) {
        const memory_map_entry_t *region = (const void *)entry;
        add_region(region->start, region->length, region->kind);
    }
}

static void read_tag(const tag_t *tag) {
    const char *body = (const char *)(tag + 1);
    switch (tag->type) {
        case TAG_COMMAND_LINE:
            copy_text(boot_info.command_line, COMMAND_LINE_MAX, body, TOO_LONG);
            break;
        case TAG_MODULE: {
            const module_tag_t *module = (const void *)tag;
            add_module(module->start, module->end, module->name);
            break;
        }
        case TAG_MEMORY_MAP:
            read_memory_map((const void *)tag);
            break;
        case TAG_FRAMEBUFFER: {
            const framebuffer_tag_t *screen = (const void *)tag;
            boot_info.framebuffer = (framebuffer_t) {
                screen->address, screen->pitch, screen->width, screen->height, screen->bits_per_pixel, screen->kind
            };
            break;
        }
        case TAG_ACPI_OLD:
            if (boot_info.acpi_root_pointer == 0) {
                boot_info.acpi_root_pointer = (uint64_t)body;
            }
            break;
        case TAG_ACPI_NEW:
            boot_info.acpi_root_pointer = (uint64_t)body;
            break;
    }
}

static void read_multiboot2(uint64_t information) {
    boot_info.protocol = "multiboot2";
    uint32_t total = *(const uint32_t *)information;
    add_reserved(information, total);
    for (uint64_t at = information + 8; at + sizeof(tag_t) <= information + total;) {
        const tag_t *tag = (const void *)at;
        if (tag->type == TAG_END || tag->size < sizeof(tag_t)) {
            break;
        }
        read_tag(tag);
        at += (tag->size + 7) & ~7UL;
    }
}

// --- PVH ---

typedef struct {
    uint32_t magic, version, flags, modules_count;
    uint64_t modules, command_line, acpi_root_pointer;
    uint64_t memory_map;                    // from version 1 on
    uint32_t memory_map_count, reserved;
} pvh_start_info_t;
typedef struct { uint64_t start, length; uint32_t kind, reserved; } pvh_region_t;
typedef struct { uint64_t start, length, command_line, reserved; } pvh_module_t;

// The loader's data are read where they lie: the entry tables show the first 4 GiB.
static void require_in_reach(uint64_t address, uint64_t length) {
    if (address + length < address || address + length > ENTRY_TABLES_END) {
        boot_refuse("the loader's data lie above 4 GiB");
    }
}

// qboot leaves what it does not fill in of a module as it was: `reserved`, which is 0, and the command line's address.
static const char *module_text(const pvh_module_t *module) {
    bool is_filled_in = module->reserved == 0 && module->command_line < ENTRY_TABLES_END;
    return is_filled_in && module->command_line != 0 ? (const char *)module->command_line : "";
}

static void read_pvh(uint64_t information) {
    const pvh_start_info_t *info = (const void *)information;
    boot_info.protocol = "pvh";
    add_reserved(information, sizeof *info);
    boot_info.acpi_root_pointer = info->acpi_root_pointer;
    if (info->command_line != 0) {
        require_in_reach(info->command_line, COMMAND_LINE_MAX);
        copy_text(boot_info.command_line, COMMAND_LINE_MAX, (const char *)info->command_line, TOO_LONG);
        add_reserved(info->command_line, strlen((const char *)info->command_line) + 1);
    }
    const pvh_module_t *modules = (const void *)info->modules;
    require_in_reach(info->modules, info->modules_count * sizeof(pvh_module_t));
    if (info->modules_count != 0) {
        add_reserved(info->modules, info->modules_count * sizeof(pvh_module_t));
    }
    for (uint32_t i = 0; i < info->modules_count; i++) {
        add_module(modules[i].start, modules[i].start + modules[i].length, module_text(&modules[i]));
    }
    if (info->version >= 1) {
        const pvh_region_t *map = (const void *)info->memory_map;
        require_in_reach(info->memory_map, info->memory_map_count * sizeof(pvh_region_t));
        add_reserved(info->memory_map, info->memory_map_count * sizeof(pvh_region_t));
        for (uint32_t i = 0; i < info->memory_map_count; i++) {
            add_region(map[i].start, map[i].length, map[i].kind);
        }
    }
}

void boot_info_read(uint32_t magic, uint64_t information) {
    if (magic == LOADER_MULTIBOOT2) {
        read_multiboot2(information);
    } else {
        read_pvh(information);
    }
    add_words();
    if (boot_info.usable_bytes == 0) {
        boot_refuse("the loader handed over no memory map");
    }
    if (boot_info.usable_bytes < MINIMUM_RAM_BYTES) {
        boot_refuse("too little RAM: Clew needs 14 MiB; try qemu -m 32M");
    }
}
