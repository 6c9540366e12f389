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
#include "port/runtime/natives.h"
#include "port/runtime/ram_disk.h"

static mp_obj_t new_text(const char *text) {
    return mp_obj_new_str(text, strlen(text));
}

static mp_obj_t new_region(const memory_region_t *region) {
    mp_obj_t items[] = { native_new_u64(region->start), native_new_u64(region->end), MP_OBJ_NEW_SMALL_INT(region->kind) };
    return mp_obj_new_tuple(3, items);
}

static mp_obj_t new_regions(const memory_region_t *regions, size_t count) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < count; i++) {
        mp_obj_list_append(list, new_region(&regions[i]));
    }
    return list;
}

static mp_obj_t boot_protocol(void) { return new_text(boot_info.protocol); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_protocol_obj, boot_protocol);

static mp_obj_t boot_memory_map(void) { return new_regions(boot_info.regions, boot_info.regions_count); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_memory_map_obj, boot_memory_map);

static mp_obj_t boot_loader_regions(void) { return new_regions(boot_info.reserved, boot_info.reserved_count); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_loader_regions_obj, boot_loader_regions);

static mp_obj_t boot_modules(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < boot_info.modules_count; i++) {
        const boot_module_t *module = &boot_info.modules[i];
        mp_obj_t items[] = { native_new_u64(module->start), native_new_u64(module->end), new_text(module->name) };
        mp_obj_list_append(list, mp_obj_new_tuple(3, items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_modules_obj, boot_modules);

static mp_obj_t boot_command_line(void) { return new_text(boot_info.command_line); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_command_line_obj, boot_command_line);

static mp_obj_t boot_acpi_root_pointer(void) { return native_new_u64(boot_info.acpi_root_pointer); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_acpi_root_pointer_obj, boot_acpi_root_pointer);

static mp_obj_t boot_framebuffer(void) {
    const framebuffer_t *f = &boot_info.framebuffer;
    if (f->address == 0) {
        return mp_const_none;
    }
    mp_obj_t items[] = {
        native_new_u64(f->address), MP_OBJ_NEW_SMALL_INT(f->pitch), MP_OBJ_NEW_SMALL_INT(f->width), MP_OBJ_NEW_SMALL_INT(f->height),
        MP_OBJ_NEW_SMALL_INT(f->bits_per_pixel), MP_OBJ_NEW_SMALL_INT(f->kind)
    };
    return mp_obj_new_tuple(6, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_framebuffer_obj, boot_framebuffer);

static mp_obj_t boot_early_frames(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < early_runs_count; i++) {
        mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(early_runs[i].first_frame), MP_OBJ_NEW_SMALL_INT(early_runs[i].count) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_early_frames_obj, boot_early_frames);

static mp_obj_t boot_root_frame(void) { return MP_OBJ_NEW_SMALL_INT(boot_tables_root >> 12); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_root_frame_obj, boot_root_frame);

static mp_obj_t boot_window_pages(void) { return MP_OBJ_NEW_SMALL_INT(window_bytes / PAGE_SIZE); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_window_pages_obj, boot_window_pages);

// One place of the image: name, first page, first frame, pages, rights.
static mp_obj_t new_section(const char *name, const char *start, const char *end, uint64_t virtual_start, const char *rights) {
    uint64_t physical = image_physical(start);
    mp_obj_t items[] = {
        new_text(name), MP_OBJ_NEW_SMALL_INT(virtual_start >> 12), MP_OBJ_NEW_SMALL_INT(physical >> 12),
        MP_OBJ_NEW_SMALL_INT((size_t)(end - start) >> 12), new_text(rights)
    };
    return mp_obj_new_tuple(5, items);
}

static mp_obj_t boot_sections(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    mp_obj_list_append(list, new_section("text", __text_start, __text_end, (uint64_t)__text_start, "r-x"));
    mp_obj_list_append(list, new_section("rodata", __rodata_start, __rodata_end, (uint64_t)__rodata_start, "r--"));
    mp_obj_list_append(list, new_section("data", __data_start, __emitted_start, (uint64_t)__data_start, "rw-"));
    mp_obj_list_append(list, new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "r--"));
    mp_obj_list_append(list, new_section("boot tables", __emitted_end, __tables_end, (uint64_t)__emitted_end, "r--"));
    mp_obj_list_append(list, new_section("bss", __tables_end, __data_end, (uint64_t)__tables_end, "rw-"));
    mp_obj_list_append(list, new_section("emitted code", __emitted_start, __emitted_end, EMITTED_CODE_BASE, "r-x"));
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_sections_obj, boot_sections);

static mp_obj_t boot_guard_pages(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < stack_guards_count; i++) {
        mp_obj_list_append(list, MP_OBJ_NEW_SMALL_INT((uint64_t)stack_guards[i] >> 12));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_guard_pages_obj, boot_guard_pages);

static mp_obj_t boot_image_range(void) {
    mp_obj_t items[] = { native_new_u64((uint64_t)__image_start), native_new_u64((uint64_t)__image_end) };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_image_range_obj, boot_image_range);

static mp_obj_t boot_layout(void) {
    static const struct { qstr_short_t name; uint64_t value; } entries[] = {
        { MP_QSTR_WINDOW_P4_INDEX, WINDOW_P4_INDEX }, { MP_QSTR_WINDOW_P4_ENTRIES, WINDOW_P4_ENTRIES },
        { MP_QSTR_POOL_P4_INDEX, POOL_P4_INDEX }, { MP_QSTR_POOL_P4_ENTRIES, POOL_P4_ENTRIES },
        { MP_QSTR_TECHNIQUE_P4_INDEX, TECHNIQUE_P4_INDEX }, { MP_QSTR_OTHER_RECURSIVE_P4_INDEX, OTHER_RECURSIVE_P4_INDEX },
        { MP_QSTR_RECURSIVE_P4_INDEX, RECURSIVE_P4_INDEX }, { MP_QSTR_KERNEL_P4_INDEX, KERNEL_P4_INDEX },
        { MP_QSTR_WINDOW_PAGE, WINDOW_BASE >> 12 }, { MP_QSTR_KERNEL_PAGE, KERNEL_BASE >> 12 }, { MP_QSTR_EMITTED_CODE_PAGE, EMITTED_CODE_BASE >> 12 },
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(entries));
    for (size_t i = 0; i < MP_ARRAY_SIZE(entries); i++) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(entries[i].name), MP_OBJ_NEW_SMALL_INT(entries[i].value));
    }
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(boot_layout_obj, boot_layout);

static mp_obj_t boot_ram_disk(void) { return mp_obj_new_memoryview('B' | 0x80, RAM_DISK_BYTES, ram_disk); }
static MP_DEFINE_CONST_FUN_OBJ_0(boot_ram_disk_obj, boot_ram_disk);

static const mp_rom_map_elem_t boot_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__boot) },
    { MP_ROM_QSTR(MP_QSTR_protocol), MP_ROM_PTR(&boot_protocol_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory_map), MP_ROM_PTR(&boot_memory_map_obj) },
    { MP_ROM_QSTR(MP_QSTR_loader_regions), MP_ROM_PTR(&boot_loader_regions_obj) },
    { MP_ROM_QSTR(MP_QSTR_modules), MP_ROM_PTR(&boot_modules_obj) },
    { MP_ROM_QSTR(MP_QSTR_command_line), MP_ROM_PTR(&boot_command_line_obj) },
    { MP_ROM_QSTR(MP_QSTR_acpi_root_pointer), MP_ROM_PTR(&boot_acpi_root_pointer_obj) },
    { MP_ROM_QSTR(MP_QSTR_framebuffer), MP_ROM_PTR(&boot_framebuffer_obj) },
    { MP_ROM_QSTR(MP_QSTR_early_frames), MP_ROM_PTR(&boot_early_frames_obj) },
    { MP_ROM_QSTR(MP_QSTR_root_frame), MP_ROM_PTR(&boot_root_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_window_pages), MP_ROM_PTR(&boot_window_pages_obj) },
    { MP_ROM_QSTR(MP_QSTR_sections), MP_ROM_PTR(&boot_sections_obj) },
    { MP_ROM_QSTR(MP_QSTR_guard_pages), MP_ROM_PTR(&boot_guard_pages_obj) },
    { MP_ROM_QSTR(MP_QSTR_image_range), MP_ROM_PTR(&boot_image_range_obj) },
    { MP_ROM_QSTR(MP_QSTR_layout), MP_ROM_PTR(&boot_layout_obj) },
    { MP_ROM_QSTR(MP_QSTR_ram_disk), MP_ROM_PTR(&boot_ram_disk_obj) },
};
static MP_DEFINE_CONST_DICT(boot_globals, boot_globals_table);
const mp_obj_module_t boot_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&boot_globals };
MP_REGISTER_MODULE(MP_QSTR__boot, boot_module);
