// `_records`: what the kernel knows of every owned mapping even when Python has forgotten it. A Record is the handle that
// a MappedPages holds; when the collector finds it unreachable, its finaliser marks the record as lost, and a safe
// point unmaps it. Contracts: port/typings/_records.pyi. Numbers only: nothing here keeps a Python object alive.
// In C because a finaliser runs while the collector is locked, when no Python can, and because every `create_mapping
// of a page and drop` makes one, in 14,420 instructions: an object of Python's with six attributes is 3,950 alone.
// What is asked of all records, Python asks (kernel/memory/ledger).
#include "port/hardware/paging.h"
#include "port/ledger/records.h"
#include "port/runtime/critical.h"
#include "port/runtime/natives.h"

static const mp_obj_type_t record_type;

// It says nothing yet: kernel/memory/ledger writes its numbers.
static mp_obj_t record_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *arguments) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    record_handle_t *handle = mp_obj_malloc_with_finaliser(record_handle_t, type);
    handle->record = NULL;
    handle->owner = mp_const_none;
    record_t *record = ledger_take();
    *record = (record_t) { .state = RECORD_PREPARED, .handle = handle };
    handle->record = record;
    return MP_OBJ_FROM_PTR(handle);
}

// begin() makes a Record that says nothing yet and enters the guard (_critical); None when lost mappings wait to be
// reclaimed first, or for so many pages that huge ones could be used. The guard is left by the commit() that the Record
// is for, or else by the caller: two calls less in the hottest path.
NATIVE_1(records_begin, count) {
    if (ledger.first_lost != 0 || !mp_obj_is_small_int(count) || MP_OBJ_SMALL_INT_VALUE(count) >= ENTRIES_PER_TABLE) {
        return mp_const_none;
    }
    critical_require_room();
    mp_obj_t record = record_make_new(&record_type, 0, 0, NULL);
    critical_hold();
    return record;
}

record_t *record_of(mp_obj_t handle) {
    return mp_obj_is_type(handle, &record_type) ? ((record_handle_t *)MP_OBJ_TO_PTR(handle))->record : NULL;
}

static record_handle_t *live_handle(mp_obj_t self) {
    if (record_of(self) == NULL) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("no Record, or this record has ended"));
    }
    return MP_OBJ_TO_PTR(self);
}

// The mapping is there now: from here on it must be unmapped before the record may go.
NATIVE_1(record_arm, self) {
    ledger_arm(live_handle(self)->record);
    return mp_const_none;
}

// What begin() began is mapped: the record is armed, the guard left.
NATIVE_1(records_commit, self) {
    ledger_arm(live_handle(self)->record);
    critical_release();
    return mp_const_none;
}

// The mapping is being taken away: nobody is told of it.
NATIVE_1(record_go, self) {
    ledger_disarm(live_handle(self)->record);
    return mp_const_none;
}

NATIVE_2(record_set_owner, self, owner) {
    live_handle(self)->owner = owner;
    return mp_const_none;
}

// Its numbers were changed.
NATIVE_1(records_note, self) {
    ledger_note(EVENT_CHANGE, live_handle(self)->record);
    return mp_const_none;
}

static void end(record_handle_t *handle) {
    ledger_disarm(handle->record);
    ledger_give(handle->record);
    handle->record = NULL;
}

NATIVE_1(record_end, self) {
    end(live_handle(self));
    return mp_const_none;
}

// As end(), and the guard is left.
NATIVE_1(records_finish, self) {
    end(live_handle(self));
    critical_release();
    return mp_const_none;
}

void record_mark_exported(mp_obj_t self) {
    live_handle(self)->record->exported = true;
}

// The finaliser: the collector is locked, nothing may be allocated or called.
NATIVE_1(record_del, self) {
    record_handle_t *handle = MP_OBJ_TO_PTR(self);
    record_t *record = handle->record;
    if (record != NULL) {
        handle->record = NULL;
        ledger_lose(record);
    }
    return mp_const_none;
}

static void record_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    const record_t *record = ((record_handle_t *)MP_OBJ_TO_PTR(self))->record;
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    switch (record == NULL ? MP_QSTRnull : attribute) {
        case MP_QSTR_root: destination[0] = MP_OBJ_NEW_SMALL_INT(record->root); break;
        case MP_QSTR_first_page: destination[0] = MP_OBJ_NEW_SMALL_INT(record->first_page); break;
        case MP_QSTR_count: destination[0] = MP_OBJ_NEW_SMALL_INT(record->count); break;
        case MP_QSTR_frames: destination[0] = MP_OBJ_NEW_SMALL_INT(record->frames); break;
        case MP_QSTR_flags: destination[0] = MP_OBJ_NEW_SMALL_INT(record->flags); break;
        case MP_QSTR_kind: destination[0] = MP_OBJ_NEW_SMALL_INT(record->kind); break;
        case MP_QSTR_state: destination[0] = MP_OBJ_NEW_SMALL_INT(record->state); break;
        case MP_QSTR_overridden: destination[0] = mp_obj_new_bool(record->overridden); break;
        case MP_QSTR_exported: destination[0] = mp_obj_new_bool(record->exported); break;
        case MP_QSTR_index: destination[0] = MP_OBJ_NEW_SMALL_INT(record - records); break;
        default: destination[1] = MP_OBJ_SENTINEL;
    }
}

NATIVE_NAMES(record_locals,
    NATIVE(record, arm), NATIVE(record, go), NATIVE(record, set_owner), NATIVE(record, end),
    NATIVE_AT(__del__, record_del_obj));

// Its numbers, for machine code to read and write in place.
static mp_int_t record_get_buffer(mp_obj_t self, mp_buffer_info_t *buffer, mp_uint_t flags) {
    buffer->buf = ((record_handle_t *)MP_OBJ_TO_PTR(self))->record;
    buffer->len = offsetof(record_t, handle);
    buffer->typecode = 'B';
    return buffer->buf == NULL;
}

static MP_DEFINE_CONST_OBJ_TYPE(record_type, MP_QSTR_Record, MP_TYPE_FLAG_NONE, make_new, record_make_new, attr, record_attr,
    buffer, record_get_buffer, locals_dict, &record_locals);

// --- all records ---

// Where the first record lies, for machine code that looks at them all; they have `used()` places.
NATIVE_0(records_place) { return MP_OBJ_NEW_SMALL_INT((mp_int_t)records); }
NATIVE_0(records_used_places) { return MP_OBJ_NEW_SMALL_INT(records_used); }
NATIVE_0(records_lost) { return MP_OBJ_NEW_SMALL_INT(ledger.lost); }

// --- by index ---

// Who was set as the owner of the Record at an index; None when it was forgotten.
NATIVE_1(records_owner_of, index) {
    const record_handle_t *handle = records[native_get_below(index, RECORDS_MAX, "record index")].handle;
    return handle == NULL ? mp_const_none : handle->owner;
}

static mp_obj_t adopt(record_t *record, record_handle_t *handle) {
    handle->owner = mp_const_none;
    handle->record = record;
    record->handle = handle;
    return MP_OBJ_FROM_PTR(handle);
}

// A new Record for the lost mapping that is to be taken away first; None when there is none. Forgotten, it is lost again.
NATIVE_0(records_adopt_lost) {
    if (ledger.first_lost == 0) {
        return mp_const_none;
    }
    record_handle_t *handle = mp_obj_malloc_with_finaliser(record_handle_t, &record_type);
    handle->record = NULL;                      // making it may have collected
    return adopt(ledger_find_lost(), handle);
}

// disown(record): the mapping goes on without its Record; returns the index. For whoever lives as long as the kernel, and
// must not keep an object alive anywhere in Python's heap. adopt(index) makes a Record for it again.
NATIVE_1(records_disown, self) {
    record_handle_t *handle = live_handle(self);
    size_t index = handle->record - records;
    handle->record->handle = NULL;
    handle->record = NULL;
    return MP_OBJ_NEW_SMALL_INT(index);
}

NATIVE_1(records_adopt, index) {
    record_t *record = &records[native_get_below(index, RECORDS_MAX, "record index")];
    if (record->state != RECORD_LIVE) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such mapping lives"));
    }
    record_handle_t *handle = mp_obj_malloc_with_finaliser(record_handle_t, &record_type);
    return adopt(record, handle);
}

NATIVE_MODULE(records,
    NATIVE_AT(Record, record_type),
    NATIVE_INT(EXCLUSIVE, KIND_EXCLUSIVE), NATIVE_INT(SHARED, KIND_SHARED), NATIVE_INT(SYSTEM, KIND_SYSTEM),
    NATIVE_INT(DEVICE, KIND_DEVICE), NATIVE_INT(TABLE, KIND_TABLE), NATIVE_INT(PREPARED, RECORD_PREPARED),
    NATIVE_INT(LIVE, RECORD_LIVE), NATIVE_INT(LOST, RECORD_LOST),
    NATIVE(records, place),
    NATIVE_AT(used, records_used_places_obj),
    NATIVE(records, lost), NATIVE(records, begin), NATIVE(records, commit), NATIVE(records, finish),
    NATIVE(records, note), NATIVE(records, adopt_lost), NATIVE(records, owner_of), NATIVE(records, disown),
    NATIVE(records, adopt));
