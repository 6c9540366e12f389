// What the loader told us, in one form for both protocols. Filled once, before anything allocates.
#pragma once
#include <stdint.h>
#include <stddef.h>

#define MEMORY_REGIONS_MAX 1024
#define MODULES_MAX 32
#define COMMAND_LINE_MAX 2048
#define MODULE_NAME_MAX 128

// The loader's own kinds (ACPI address range types): 1 is RAM for anybody, all else is reserved.
#define REGION_USABLE 1

typedef struct { uint64_t start, end; uint32_t kind; } memory_region_t;  // end is exclusive
typedef struct { uint64_t start, end; char name[MODULE_NAME_MAX]; } boot_module_t;
typedef struct { uint64_t address; uint32_t pitch, width, height; uint8_t bits_per_pixel, kind; } framebuffer_t;

typedef struct {
    const char *protocol;                   // "multiboot2" or "pvh"
    size_t regions_count, modules_count, reserved_count;
    memory_region_t regions[MEMORY_REGIONS_MAX];
    boot_module_t modules[MODULES_MAX];
    memory_region_t reserved[8];            // where the loader's own structures lie
    char command_line[COMMAND_LINE_MAX];
    uint64_t acpi_root_pointer;             // physical address of the RSDP, 0 if not told
    framebuffer_t framebuffer;              // address 0 if there is none
    uint64_t ram_end;                       // first byte after the highest usable RAM
    uint64_t usable_bytes;
} boot_info_t;

extern boot_info_t boot_info;
void boot_info_read(uint32_t magic, uint64_t information);
