// `_boot`: what the loader told us, where the image lies, and the constants of boot/layout.h. Contracts:
// port/typings/_boot.pyi. Plain tuples; kernel/paging/boot_info.py makes typed objects of them.
// In C because only C sees what the loader left, the linker's symbols and the constants of a header.
#include <string.h>
#include "port/boot/early_frames.h"
#include "port/boot/image.h"
#include "port/boot/info.h"
#include "port/boot/tables.h"
#include "port/hardware/stacks.h"
#include "port/hardware/window.h"
#include "port/runtime/emitted_code.h"
#include "port/runtime/exports.h"
#include "port/runtime/natives.h"
#include "port/runtime/ram_disk.h"

static mp_obj_t new_text(const char *text) {
    return mp_obj_new_str(text, strlen(text));
}

static mp_obj_t new_regions(const memory_region_t *regions, size_t count) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < count; i++) {
        mp_obj_list_append(list, NATIVE_NUMBERS(regions[i].start, regions[i].end, regions[i].kind));
    }
    return list;
}

NATIVE_0(boot_protocol) { return new_text(boot_info.protocol); }
NATIVE_0(boot_memory_map) { return new_regions(boot_info.regions, boot_info.regions_count); }
NATIVE_0(boot_loader_regions) { return new_regions(boot_info.reserved, boot_info.reserved_count); }

NATIVE_0(boot_modules) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < boot_info.modules_count; i++) {
        const boot_module_t *module = &boot_info.modules[i];
        mp_obj_t items[] = { native_new_u64(module->start), native_new_u64(module->end), new_text(module->name) };
        mp_obj_list_append(list, mp_obj_new_tuple(3, items));
    }
    return list;
}

NATIVE_0(boot_command_line) { return new_text(boot_info.command_line); }
NATIVE_0(boot_acpi_root_pointer) { return native_new_u64(boot_info.acpi_root_pointer); }

NATIVE_0(boot_framebuffer) {
    const framebuffer_t *f = &boot_info.framebuffer;
    return f->address == 0 ? mp_const_none
        : NATIVE_NUMBERS(f->address, f->pitch, f->width, f->height, f->bits_per_pixel, f->kind);
}

NATIVE_0(boot_early_frames) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < early_runs_count; i++) {
        mp_obj_list_append(list, NATIVE_NUMBERS(early_runs[i].first_frame, early_runs[i].count));
    }
    return list;
}

NATIVE_0(boot_root_frame) { return MP_OBJ_NEW_SMALL_INT(boot_tables_root >> 12); }
NATIVE_0(boot_window_pages) { return MP_OBJ_NEW_SMALL_INT(window_bytes / PAGE_SIZE); }

// One place of the image, or behind it: name, first page, first frame, pages, rights.
static mp_obj_t new_place(const char *name, uint64_t physical, size_t bytes, uint64_t virtual_start, const char *rights) {
    mp_obj_t items[] = {
        new_text(name), MP_OBJ_NEW_SMALL_INT(virtual_start >> 12), MP_OBJ_NEW_SMALL_INT(physical >> 12),
        MP_OBJ_NEW_SMALL_INT(bytes >> 12), new_text(rights)
    };
    return mp_obj_new_tuple(5, items);
}

static mp_obj_t new_section(const char *name, const char *start, const char *end, uint64_t virtual_start, const char *rights) {
    return new_place(name, image_physical(start), end - start, virtual_start, rights);
}

NATIVE_0(boot_sections) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    mp_obj_list_append(list, new_section("text", __text_start, __text_end, (uint64_t)__text_start, "r-x"));
    mp_obj_list_append(list, new_section("rodata", __rodata_start, __rodata_end, (uint64_t)__rodata_start, "r--"));
    mp_obj_list_append(list, new_section("data", __data_start, __emitted_start, (uint64_t)__data_start, "rw-"));
    mp_obj_list_append(list, new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "r--"));
    mp_obj_list_append(list, new_section("boot tables", __emitted_end, __tables_end, (uint64_t)__emitted_end, "r--"));
    mp_obj_list_append(list, new_section("bss", __tables_end, __data_end, (uint64_t)__tables_end, "rw-"));
    mp_obj_list_append(list, new_place("heap", first_heap.physical, first_heap.bytes, (uint64_t)first_heap.start, "rw-"));
    mp_obj_list_append(list, new_section("emitted code", __emitted_start, __emitted_end, EMITTED_CODE_BASE, "r-x"));
    return list;
}

NATIVE_0(boot_guard_pages) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < stack_guards_count; i++) {
        mp_obj_list_append(list, MP_OBJ_NEW_SMALL_INT((uint64_t)stack_guards[i] >> 12));
    }
    return list;
}

NATIVE_0(boot_image_range) { return NATIVE_NUMBERS((uint64_t)__image_start, (uint64_t)__image_end); }

NATIVE_0(boot_layout) {
    const struct { qstr_short_t name; uint64_t value; } entries[] = {
        { MP_QSTR_WINDOW_ROOT_INDEX, WINDOW_ROOT_INDEX }, { MP_QSTR_WINDOW_ROOT_ENTRIES, WINDOW_ROOT_ENTRIES },
        { MP_QSTR_POOL_ROOT_INDEX, POOL_ROOT_INDEX }, { MP_QSTR_POOL_ROOT_ENTRIES, POOL_ROOT_ENTRIES },
        { MP_QSTR_TECHNIQUE_ROOT_INDEX, TECHNIQUE_ROOT_INDEX }, { MP_QSTR_OTHER_RECURSIVE_ROOT_INDEX, OTHER_RECURSIVE_ROOT_INDEX },
        { MP_QSTR_RECURSIVE_ROOT_INDEX, RECURSIVE_ROOT_INDEX }, { MP_QSTR_KERNEL_ROOT_INDEX, KERNEL_ROOT_INDEX },
        { MP_QSTR_WINDOW_PAGE, paging_mode.window >> 12 }, { MP_QSTR_KERNEL_PAGE, KERNEL_BASE >> 12 }, { MP_QSTR_EMITTED_CODE_PAGE, EMITTED_CODE_BASE >> 12 }, { MP_QSTR_OBJECTS_PAGE, OBJECTS_BASE >> 12 }, { MP_QSTR_OBJECTS_PAGES, OBJECTS_BYTES >> 12 },
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(entries));
    for (size_t i = 0; i < MP_ARRAY_SIZE(entries); i++) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(entries[i].name), MP_OBJ_NEW_SMALL_INT(entries[i].value));
    }
    return dict;
}

NATIVE_0(boot_ram_disk) { return mp_obj_new_memoryview('B' | 0x80, RAM_DISK_BYTES, ram_disk); }

NATIVE_0(boot_exports) { return exports_new(); }

NATIVE_MODULE(boot,
    NATIVE(boot, protocol), NATIVE(boot, memory_map), NATIVE(boot, loader_regions), NATIVE(boot, modules),
    NATIVE(boot, command_line), NATIVE(boot, acpi_root_pointer), NATIVE(boot, framebuffer),
    NATIVE(boot, early_frames), NATIVE(boot, root_frame), NATIVE(boot, window_pages), NATIVE(boot, sections),
    NATIVE(boot, guard_pages), NATIVE(boot, image_range), NATIVE(boot, layout), NATIVE(boot, ram_disk), NATIVE(boot, exports));
