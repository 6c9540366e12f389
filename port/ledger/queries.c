// What can be asked about all records, and about one by its index: a part of `_records`.
#include <string.h>
#include "py/runtime.h"
#include "port/hardware/paging.h"
#include "port/ledger/queries.h"
#include "port/ledger/records.h"
#include "port/runtime/natives.h"

static mp_obj_t records_live(void) { return MP_OBJ_NEW_SMALL_INT(ledger.live); }
MP_DEFINE_CONST_FUN_OBJ_0(records_live_obj, records_live);

static mp_obj_t records_lost(void) { return MP_OBJ_NEW_SMALL_INT(ledger.lost); }
MP_DEFINE_CONST_FUN_OBJ_0(records_lost_obj, records_lost);

// read(index, words): all numbers of the record at an index at once, into 64-bit words.
static mp_obj_t records_read(mp_obj_t index, mp_obj_t words) {
    const record_t *record = &records[native_get_below(index, RECORDS_MAX, "record index")];
    const uint64_t numbers[] = {
        record->root, record->first_page, record->count, record->flags, record->kind, record->overridden
    };
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(words, &buffer, MP_BUFFER_WRITE);
    if (buffer.len < sizeof numbers) {
        mp_raise_ValueError(MP_ERROR_TEXT("a record has 6 words"));
    }
    memcpy(buffer.buf, numbers, sizeof numbers);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(records_read_obj, records_read);

// The next record at or above an index that is live or lost, or -1.
static mp_obj_t records_next(mp_obj_t from) {
    for (size_t index = native_get_below(from, RECORDS_MAX + 1, "record index"); index < records_used; index++) {
        if (records[index].state >= RECORD_LIVE) {
            return MP_OBJ_NEW_SMALL_INT(index);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1);
}
MP_DEFINE_CONST_FUN_OBJ_1(records_next_obj, records_next);

// The record, live or lost, whose range holds a page as seen by a root (whose upper half is everybody's), or -1.
static mp_obj_t records_find(mp_obj_t root_in, mp_obj_t page_in) {
    uint64_t root = native_get_frame(root_in) / PAGE_SIZE, page = native_get_page(page_in) / PAGE_SIZE;
    bool upper = page >= UPPER_HALF_FIRST_PAGE;
    for (size_t index = 0; index < records_used; index++) {
        const record_t *record = &records[index];
        if (record->state >= RECORD_LIVE && page - record->first_page < record->count && (upper || record->root == root)) {
            return MP_OBJ_NEW_SMALL_INT(index);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1);
}
MP_DEFINE_CONST_FUN_OBJ_2(records_find_obj, records_find);

// The record, live or lost, of the table with that root, or -1.
static mp_obj_t records_find_table(mp_obj_t root_in) {
    uint64_t root = native_get_frame(root_in) >> 12;
    for (size_t index = 0; index < records_used; index++) {
        if (records[index].state >= RECORD_LIVE && records[index].kind == KIND_TABLE && records[index].root == root) {
            return MP_OBJ_NEW_SMALL_INT(index);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1);
}
MP_DEFINE_CONST_FUN_OBJ_1(records_find_table_obj, records_find_table);

// Who was set as the owner of the Record at an index; None when it was forgotten.
static mp_obj_t records_owner_of(mp_obj_t index) {
    const record_handle_t *handle = records[native_get_below(index, RECORDS_MAX, "record index")].handle;
    return handle == NULL ? mp_const_none : handle->owner;
}
MP_DEFINE_CONST_FUN_OBJ_1(records_owner_of_obj, records_owner_of);

// How many pages owned mappings have in the upper half (True) or the lower one.
static mp_obj_t records_mapped_pages(mp_obj_t upper_in) {
    bool upper = mp_obj_is_true(upper_in);
    return MP_OBJ_NEW_SMALL_INT(ledger.pages[KIND_EXCLUSIVE][upper] + ledger.pages[KIND_SHARED][upper] + ledger.pages[KIND_DEVICE][upper]);
}
MP_DEFINE_CONST_FUN_OBJ_1(records_mapped_pages_obj, records_mapped_pages);

// How many frames of RAM exclusive mappings have.
static mp_obj_t records_mapped_frames(void) {
    return MP_OBJ_NEW_SMALL_INT(ledger.pages[KIND_EXCLUSIVE][0] + ledger.pages[KIND_EXCLUSIVE][1]);
}
MP_DEFINE_CONST_FUN_OBJ_0(records_mapped_frames_obj, records_mapped_frames);

// How many mappings, live or lost, are bound to a root.
static mp_obj_t records_live_with_root(mp_obj_t root_in) {
    uint64_t root = native_get_frame(root_in) / PAGE_SIZE;
    size_t count = 0;
    for (size_t index = 0; index < records_used; index++) {
        count += records[index].state >= RECORD_BUSY && records[index].kind != KIND_TABLE && records[index].root == root;
    }
    return MP_OBJ_NEW_SMALL_INT(count);
}
MP_DEFINE_CONST_FUN_OBJ_1(records_live_with_root_obj, records_live_with_root);

// The last events, oldest first: (name, page, count, root, frames).
static mp_obj_t records_events(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    size_t end = ledger_events_count, kept = end < EVENTS_MAX ? end : EVENTS_MAX;
    for (size_t i = end - kept; i < end; i++) {
        const ledger_event_t event = ledger_events[i % EVENTS_MAX];
        const char *name = ledger_event_names[event.kind];
        mp_obj_t items[] = {
            mp_obj_new_str(name, strlen(name)), MP_OBJ_NEW_SMALL_INT(event.page), MP_OBJ_NEW_SMALL_INT(event.count),
            MP_OBJ_NEW_SMALL_INT(event.root), MP_OBJ_NEW_SMALL_INT(event.frames)
        };
        mp_obj_list_append(list, mp_obj_new_tuple(5, items));
    }
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_0(records_events_obj, records_events);
