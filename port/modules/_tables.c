// `_tables`: entries by (page where the table can be seen, index); runs of pages are what `Access` is for
// (table_object.c). Contracts: port/typings/_tables.pyi.
#include "port/modules/table_arguments.h"

static uint64_t *get_entry(mp_obj_t table_page, mp_obj_t index) {
    return (uint64_t *)get_page(table_page) + get_below(index, 512, "index");
}

static mp_obj_t tables_entry_frame(mp_obj_t table_page, mp_obj_t index) {
    return MP_OBJ_NEW_SMALL_INT((*get_entry(table_page, index) & ENTRY_FRAME) >> 12);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_entry_frame_obj, tables_entry_frame);

// The raw word: bit 7 stays bit 7, whatever the level.
static mp_obj_t tables_entry_flags(mp_obj_t table_page, mp_obj_t index) {
    uint64_t entry = *get_entry(table_page, index);
    return MP_OBJ_NEW_SMALL_INT((entry & 0xfff) | (entry >> 52) << 12);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_entry_flags_obj, tables_entry_flags);

static uint64_t raw_entry(mp_obj_t frame, mp_obj_t word) {
    return get_below(frame, 1UL << 40, "frame number") << 12
        | entry_flags_of(get_below(word, WORD_PAT, "flag word"), 1, false);
}

static mp_obj_t tables_set_entry(size_t count, const mp_obj_t *arguments) {
    uint64_t value = raw_entry(arguments[2], arguments[3]);
    *(volatile uint64_t *)get_entry(arguments[0], arguments[1]) = value;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_set_entry_obj, 4, 4, tables_set_entry);

// compare_and_set(table_page, index, old_frame, old_word, frame, word): one locked instruction; True if it was so.
static mp_obj_t tables_compare_and_set(size_t count, const mp_obj_t *arguments) {
    uint64_t old = raw_entry(arguments[2], arguments[3]), value = raw_entry(arguments[4], arguments[5]);
    return mp_obj_new_bool(__sync_bool_compare_and_swap(get_entry(arguments[0], arguments[1]), old, value));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_compare_and_set_obj, 6, 6, tables_compare_and_set);

// The next index from `index` on whose entry is not zero; 512 when there is none.
static mp_obj_t tables_next_used(mp_obj_t table_page, mp_obj_t index_in) {
    const uint64_t *table = (const uint64_t *)get_page(table_page);
    uint64_t index = get_below(index_in, 513, "index");
    while (index < 512 && table[index] == 0) {
        index++;
    }
    return MP_OBJ_NEW_SMALL_INT(index);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_next_used_obj, tables_next_used);

static mp_obj_t tables_clear_table(mp_obj_t table_page) {
    table_fill_zero((void *)get_page(table_page), 512);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(tables_clear_table_obj, tables_clear_table);

// copy_entries(to_page, from_page, first_index, last_index)
static mp_obj_t tables_copy_entries(size_t count, const mp_obj_t *arguments) {
    uint64_t *to = (uint64_t *)get_page(arguments[0]);
    const uint64_t *from = (const uint64_t *)get_page(arguments[1]);
    uint64_t last = get_below(arguments[3], 512, "index");
    for (uint64_t i = get_below(arguments[2], 512, "index"); i <= last; i++) {
        to[i] = from[i];
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_copy_entries_obj, 4, 4, tables_copy_entries);

// invalidate(page, count, pages_per_leaf): how many invlpg instructions that took.
static mp_obj_t tables_invalidate(mp_obj_t page, mp_obj_t count_in, mp_obj_t pages) {
    uint64_t address = get_page(page), count = table_get_count(count_in, address);
    return MP_OBJ_NEW_SMALL_INT(run_invalidate(address, count, get_below(pages, MOST_PAGES, "pages") | (pages == MP_OBJ_NEW_SMALL_INT(0))));
}
static MP_DEFINE_CONST_FUN_OBJ_3(tables_invalidate_obj, tables_invalidate);

static const mp_rom_map_elem_t tables_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__tables) },
    { MP_ROM_QSTR(MP_QSTR_LEVELS), MP_ROM_INT(TABLE_LEVELS) },
    { MP_ROM_QSTR(MP_QSTR_OFFSET), MP_ROM_INT(REACH_OFFSET) },
    { MP_ROM_QSTR(MP_QSTR_RECURSIVE), MP_ROM_INT(REACH_RECURSIVE) },
    { MP_ROM_QSTR(MP_QSTR_TEMPORARY), MP_ROM_INT(REACH_TEMPORARY) },
    { MP_ROM_QSTR(MP_QSTR_FUNCTION), MP_ROM_INT(REACH_FUNCTION) },
    { MP_ROM_QSTR(MP_QSTR_NOT_MAPPED), MP_ROM_INT(REFUSED_NOT_MAPPED) },
    { MP_ROM_QSTR(MP_QSTR_PARENT_HUGE), MP_ROM_INT(REFUSED_PARENT_HUGE) },
    { MP_ROM_QSTR(MP_QSTR_ALREADY_MAPPED), MP_ROM_INT(REFUSED_ALREADY_MAPPED) },
    { MP_ROM_QSTR(MP_QSTR_TABLE_IN_THE_WAY), MP_ROM_INT(REFUSED_TABLE_IN_THE_WAY) },
    { MP_ROM_QSTR(MP_QSTR_STALE_ENTRY), MP_ROM_INT(REFUSED_STALE_ENTRY) },
    { MP_ROM_QSTR(MP_QSTR_STALE_PARENT), MP_ROM_INT(REFUSED_STALE_PARENT) },
    { MP_ROM_QSTR(MP_QSTR_MALFORMED), MP_ROM_INT(REFUSED_MALFORMED) },
    { MP_ROM_QSTR(MP_QSTR_PROTECTED), MP_ROM_INT(REFUSED_PROTECTED) },
    { MP_ROM_QSTR(MP_QSTR_FLAGS), MP_ROM_INT(REFUSED_FLAGS) },
    { MP_ROM_QSTR(MP_QSTR_MISALIGNED), MP_ROM_INT(REFUSED_MISALIGNED) },
    { MP_ROM_QSTR(MP_QSTR_OUT_OF_RANGE), MP_ROM_INT(REFUSED_OUT_OF_RANGE) },
    { MP_ROM_QSTR(MP_QSTR_NOT_ACTIVE), MP_ROM_INT(REFUSED_NOT_ACTIVE) },
    { MP_ROM_QSTR(MP_QSTR_SMALLER_PAGES), MP_ROM_INT(REFUSED_SMALLER_PAGES) },
    { MP_ROM_QSTR(MP_QSTR_Mapped), MP_ROM_PTR(&mapped_type) },
    { MP_ROM_QSTR(MP_QSTR_Access), MP_ROM_PTR(&access_type) },
    { MP_ROM_QSTR(MP_QSTR_entry_frame), MP_ROM_PTR(&tables_entry_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_entry_flags), MP_ROM_PTR(&tables_entry_flags_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_entry), MP_ROM_PTR(&tables_set_entry_obj) },
    { MP_ROM_QSTR(MP_QSTR_compare_and_set), MP_ROM_PTR(&tables_compare_and_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_used), MP_ROM_PTR(&tables_next_used_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear_table), MP_ROM_PTR(&tables_clear_table_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy_entries), MP_ROM_PTR(&tables_copy_entries_obj) },
    { MP_ROM_QSTR(MP_QSTR_invalidate), MP_ROM_PTR(&tables_invalidate_obj) },
};
static MP_DEFINE_CONST_DICT(tables_globals, tables_globals_table);
const mp_obj_module_t tables_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&tables_globals };
MP_REGISTER_MODULE(MP_QSTR__tables, tables_module);
