// `Access`: what one is made of, its methods by name, and the details of its last answer.
#include <string.h>
#include "port/modules/table_arguments.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"


static uint64_t reserved_bits(void) {
    uint64_t no_execute = msr_read(MSR_EFER) & EFER_NXE ? 0 : ENTRY_NO_EXECUTE;
    return (ENTRY_FRAME & ~((1UL << cpu_features.physical_bits) - 1)) | no_execute;
}
// Access(kind, reach, root_frame, frame_to_page, describer)
static mp_obj_t access_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *arguments) {
    mp_arg_check_num(count, keywords, 5, 5, false);
    uint64_t kind = native_get_below(arguments[0], REACH_KINDS, "kind");
    uint64_t reach = kind == REACH_RECURSIVE ? native_get_below(arguments[1], 512, "slot") : native_get_page(arguments[1]);
    uint64_t root = native_get_frame(arguments[2]);
    access_t *access = mp_obj_malloc(access_t, type);
    memset((char *)access + sizeof access->base, 0, sizeof *access - sizeof access->base);
    access->kind = kind;
    access->reach = reach;
    access->root = root;
    access->frame_to_page = arguments[3];
    access->describer = arguments[4];
    access->reserved = reserved_bits();
    access->gigabyte_pages = cpu_features.gigabyte_pages;
    access->shared_from = 512;
    access->protected_lowest = ~0UL;
    return MP_OBJ_FROM_PTR(access);
}

static const mp_rom_map_elem_t access_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_translate), MP_ROM_PTR(&access_translate_obj) },
    { MP_ROM_QSTR(MP_QSTR_find), MP_ROM_PTR(&access_find_obj) },
    { MP_ROM_QSTR(MP_QSTR_physical), MP_ROM_PTR(&access_physical_obj) },
    { MP_ROM_QSTR(MP_QSTR_look), MP_ROM_PTR(&access_look_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_run), MP_ROM_PTR(&access_next_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_map), MP_ROM_PTR(&access_map_obj) },
    { MP_ROM_QSTR(MP_QSTR_map_again), MP_ROM_PTR(&access_map_again_obj) },
    { MP_ROM_QSTR(MP_QSTR_map_page), MP_ROM_PTR(&access_map_page_obj) },
    { MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&access_check_obj) },
    { MP_ROM_QSTR(MP_QSTR_unmap), MP_ROM_PTR(&access_unmap_obj) },
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&access_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&access_clear_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_parent), MP_ROM_PTR(&access_set_parent_obj) },
    { MP_ROM_QSTR(MP_QSTR_clean_up), MP_ROM_PTR(&access_clean_up_obj) },
    { MP_ROM_QSTR(MP_QSTR_freed_run), MP_ROM_PTR(&access_freed_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_give), MP_ROM_PTR(&access_give_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&access_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_protect), MP_ROM_PTR(&access_protect_obj) },
    { MP_ROM_QSTR(MP_QSTR_share_from), MP_ROM_PTR(&access_share_from_obj) },
};
static MP_DEFINE_CONST_DICT(access_locals, access_locals_table);

static mp_obj_t detail_of(const access_t *access, qstr attribute) {
    switch (attribute) {
        case MP_QSTR_level: return MP_OBJ_NEW_SMALL_INT(access->level);
        case MP_QSTR_page: return MP_OBJ_NEW_SMALL_INT(access->page);
        case MP_QSTR_count: return MP_OBJ_NEW_SMALL_INT(access->count);
        case MP_QSTR_flags: return MP_OBJ_NEW_SMALL_INT(word_of(access->entry, access->level));
        case MP_QSTR_entry_frame: return MP_OBJ_NEW_SMALL_INT((access->entry & ENTRY_FRAME) >> 12);
        case MP_QSTR_table_frame: return MP_OBJ_NEW_SMALL_INT(access->table >> 12);
        case MP_QSTR_root_frame: return MP_OBJ_NEW_SMALL_INT(access->root >> 12);
        case MP_QSTR_malformed: return mp_obj_new_bool(entry_is_malformed(access, access->entry, access->level));
        case MP_QSTR_is_active: return mp_obj_new_bool((cr3_read() & ENTRY_FRAME) == access->root);
        case MP_QSTR_any_global: return mp_obj_new_bool(access->any_global);
        case MP_QSTR_parents_changed: return mp_obj_new_bool(access->parents_changed);
        case MP_QSTR_protected_index: return MP_OBJ_NEW_SMALL_INT(access->protected_index);
        case MP_QSTR_spare_count: return MP_OBJ_NEW_SMALL_INT(access->spare.count);
        case MP_QSTR_effective: return MP_OBJ_NEW_SMALL_INT(access_effective_word(access));
    }
    return MP_OBJ_NULL;
}

static void access_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    destination[0] = detail_of(get_access(self_in), attribute);
    if (destination[0] == MP_OBJ_NULL) {
        destination[1] = MP_OBJ_SENTINEL; // a method
    }
}

MP_DEFINE_CONST_OBJ_TYPE(access_type, MP_QSTR_Access, MP_TYPE_FLAG_NONE, make_new, access_make_new,
    attr, access_attr, locals_dict, &access_locals);
