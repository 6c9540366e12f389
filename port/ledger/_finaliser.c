// `_finaliser`: Guards, which give owners of kernel Python what user classes of MicroPython lack: a finaliser.
//
// The state of an owner is a list, [run, count, arena, consumer, guard]: run is a small int, not DEAD, while something is owned
// (first << 1 | clean, or LENT minus that), of `count` numbers; arena is whoever takes it back. The list also holds its guard, so both die
// in the same collection, and all finalisers run before any memory is freed: the guard's can still read the list. If
// it finds something owned, it puts that down; nothing else happens then, because the collector is locked. Safe points
// take it out and give it back.
//
// Where it is put down has been allocated together with the guard: a note that hangs on a list of its own and so
// survives. An owner that was dropped or consumed needs no word to its guard.
//
// In C because a finaliser runs while the collector is locked, when no Python can, and because the list of guards must
// not keep them alive.
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "port/ledger/finaliser.h"
#include "port/ledger/records.h"
#include "port/runtime/natives.h"
#include "port/runtime/safe_point.h"

#define COUNT_BITS 52
#define ID_MASK ((1UL << 60) - 1)      // what is left is a small int

// One block of the collector's heap. While the owner lives, `run` is the note before it on the list, and `arena` its
// guard, hidden from the collector, which would take it for a reference: all bits turned over.
typedef struct note {
    struct note *next;
    mp_obj_t arena;
    uint64_t run, count;        // count: of numbers, with the guard's kind above it
} note_t;

typedef struct {
    mp_obj_base_t base;
    mp_obj_list_t *state;
    note_t *note;
} guard_t;

// Python has the order as `_finaliser.STATE_ORDER`.
enum { STATE_RUN, STATE_COUNT, STATE_ARENA, STATE_CONSUMER, STATE_GUARD };
// What is lent is LENT - run. What lies above, and is no run, is why nothing is owned.
enum { LENT = -16 };

static const mp_obj_type_t guard_type;

MP_REGISTER_ROOT_POINTER(void *guard_notes);
MP_REGISTER_ROOT_POINTER(void *guard_lost);

static size_t lost_count;

static note_t *previous_of(const note_t *note) {
    return (note_t *)note->run;
}

static void link_note(note_t *note) {
    note_t *first = MP_STATE_VM(guard_notes);
    note->next = first;
    note->run = 0;
    if (first != NULL) {
        first->run = (uint64_t)note;
    }
    MP_STATE_VM(guard_notes) = note;
}

static void unlink_note(note_t *note) {
    if (note->next != NULL) {
        note->next->run = note->run;
    }
    if (previous_of(note) != NULL) {
        previous_of(note)->next = note->next;
    } else {
        MP_STATE_VM(guard_notes) = note->next;
    }
}

static mp_obj_t guard_new(mp_obj_list_t *state, uint64_t kind) {
    guard_t *guard = mp_obj_malloc_with_finaliser(guard_t, &guard_type);
    guard->state = state;
    guard->note = NULL;
    note_t *note = m_new_obj(note_t);
    note->arena = (mp_obj_t)~(uintptr_t)guard;
    note->count = kind << COUNT_BITS;
    guard->note = note;
    link_note(note);
    return MP_OBJ_FROM_PTR(guard);
}

static MP_DEFINE_STR_OBJ(drop_text, "drop()");

// new_state(arena, count, kind): the state of an owner that owns nothing yet, [-1, count, arena, "drop()", its guard].
// The kind (0 to 255) comes back from take() as it is.
NATIVE_3(finaliser_new_state, arena, count, kind) {
    uint64_t number = native_get_below(kind, 256, "kind");
    mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(-1), count, arena, MP_OBJ_FROM_PTR(&drop_text), mp_const_none };
    mp_obj_list_t *state = MP_OBJ_TO_PTR(mp_obj_new_list(MP_ARRAY_SIZE(items), items));
    state->items[STATE_GUARD] = guard_new(state, number);
    return MP_OBJ_FROM_PTR(state);
}

// The run that a state says, also while it is lent; MP_OBJ_NULL: none.
static mp_obj_t run_of(const mp_obj_list_t *state) {
    if (state->len <= STATE_GUARD || !mp_obj_is_small_int(state->items[STATE_RUN])) {
        return MP_OBJ_NULL;
    }
    mp_int_t run = MP_OBJ_SMALL_INT_VALUE(state->items[STATE_RUN]);
    mp_obj_t count = state->items[STATE_COUNT];
    if ((run < 0 && run > LENT) || !mp_obj_is_small_int(count) || MP_OBJ_SMALL_INT_VALUE(count) <= 0) {
        return MP_OBJ_NULL;
    }
    return MP_OBJ_NEW_SMALL_INT(run < 0 ? LENT - run : run);
}

static void put_down(note_t *note, const mp_obj_list_t *state) {
    mp_obj_t run = run_of(state);
    if (run != MP_OBJ_NULL) {
        note->arena = state->items[STATE_ARENA];
        note->run = MP_OBJ_SMALL_INT_VALUE(run);
        note->count |= MP_OBJ_SMALL_INT_VALUE(state->items[STATE_COUNT]);
        note->next = MP_STATE_VM(guard_lost);
        MP_STATE_VM(guard_lost) = note;
        lost_count++;
        safe_point_request();
    }
}

// The finaliser. The collector is locked: nothing may be allocated or called.
NATIVE_1(guard_del, self) {
    guard_t *guard = MP_OBJ_TO_PTR(self);
    note_t *note = guard->note;
    if (note != NULL) {
        guard->note = NULL;
        unlink_note(note);
        put_down(note, guard->state);
    }
    return mp_const_none;
}

NATIVE_NAMES(guard_locals,
    NATIVE_AT(__del__, guard_del_obj));
static MP_DEFINE_CONST_OBJ_TYPE(guard_type, MP_QSTR_Guard, MP_TYPE_FLAG_NONE, locals_dict, &guard_locals);

// (arena, run, count, kind) of one lost owner, which is forgotten now; None when there is none.
NATIVE_0(finaliser_take) {
    if (lost_count == 0) {
        return mp_const_none;
    }
    mp_obj_tuple_t *taken = MP_OBJ_TO_PTR(mp_obj_new_tuple(4, NULL));      // may collect, and so add to the list
    note_t *note = MP_STATE_VM(guard_lost);
    MP_STATE_VM(guard_lost) = note->next;
    lost_count--;
    taken->items[0] = note->arena;
    taken->items[1] = MP_OBJ_NEW_SMALL_INT(note->run);
    taken->items[2] = MP_OBJ_NEW_SMALL_INT(note->count & ((1UL << COUNT_BITS) - 1));
    taken->items[3] = MP_OBJ_NEW_SMALL_INT(note->count >> COUNT_BITS);
    return MP_OBJ_FROM_PTR(taken);
}

// Mappings included, whose records are in _records.c: one question at the beginning of a call.
NATIVE_0(finaliser_pending) { return MP_OBJ_NEW_SMALL_INT(lost_count + records_lost_count()); }

// owned(words): what every owner that lives has, as four 64-bit words each: the low 60 bits of id(arena), run, count, kind.
// Those that do not fit are counted all the same. The owners that the collector has yet to find forgotten are among them.
NATIVE_1(finaliser_owned, words_in) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(words_in, &buffer, MP_BUFFER_WRITE);
    uint64_t *words = buffer.buf;
    size_t room = buffer.len / (4 * sizeof(uint64_t)), count = 0;
    for (const note_t *note = MP_STATE_VM(guard_notes); note != NULL; note = note->next) {
        const mp_obj_list_t *state = ((const guard_t *)~(uintptr_t)note->arena)->state;
        mp_obj_t run = run_of(state);
        if (run == MP_OBJ_NULL) {
            continue;
        }
        if (count++ < room) {
            *words++ = (uint64_t)state->items[STATE_ARENA] & ID_MASK;
            *words++ = MP_OBJ_SMALL_INT_VALUE(run);
            *words++ = MP_OBJ_SMALL_INT_VALUE(state->items[STATE_COUNT]);
            *words++ = note->count >> COUNT_BITS;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(count);
}

// state_of(arena, number, kind): the state of the owner of that kind that has that number, lent or not; None: nobody has.
NATIVE_3(finaliser_state_of, arena, number_in, kind_in) {
    uint64_t number = native_get_below(number_in, 1UL << COUNT_BITS, "number"), kind = native_get_below(kind_in, 256, "kind");
    for (const note_t *note = MP_STATE_VM(guard_notes); note != NULL; note = note->next) {
        mp_obj_list_t *state = ((const guard_t *)~(uintptr_t)note->arena)->state;
        mp_obj_t run = run_of(state);
        if (run != MP_OBJ_NULL && state->items[STATE_ARENA] == arena && note->count >> COUNT_BITS == kind) {
            uint64_t first = MP_OBJ_SMALL_INT_VALUE(run) >> 1, count = MP_OBJ_SMALL_INT_VALUE(state->items[STATE_COUNT]);
            if (number >= first && number - first < count) {
                return MP_OBJ_FROM_PTR(state);
            }
        }
    }
    return mp_const_none;
}

void finaliser_reset(void) {
    MP_STATE_VM(guard_notes) = MP_STATE_VM(guard_lost) = NULL;
    lost_count = 0;
}

static const mp_rom_obj_tuple_t state_order = { { &mp_type_tuple }, STATE_GUARD, {
    MP_ROM_INT(STATE_RUN), MP_ROM_INT(STATE_COUNT), MP_ROM_INT(STATE_ARENA), MP_ROM_INT(STATE_CONSUMER),
} };

NATIVE_MODULE(finaliser,
    NATIVE_AT(STATE_ORDER, state_order),
    NATIVE(finaliser, new_state), NATIVE(finaliser, take), NATIVE(finaliser, owned), NATIVE(finaliser, state_of),
    NATIVE(finaliser, pending));
