// The record of every mapping that somebody owns, outside of Python's heap: numbers only.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include "py/obj.h"
#include "port/hardware/paging.h"

#define RECORDS_MAX 65536

// Python has them as constants of `_records`. From LIVE on it says what is mapped; BUSY: a call is taking that away.
enum { RECORD_FREE, RECORD_PREPARED, RECORD_BUSY, RECORD_LIVE, RECORD_LOST };
enum {
    KIND_EXCLUSIVE,         // owned, and its frames are mapped nowhere else: RAM
    KIND_SHARED,            // frames that others may map, too
    KIND_SYSTEM,            // the kernel's own: never dropped
    KIND_DEVICE,            // as EXCLUSIVE, but its frames lie outside the pool of RAM
    KIND_TABLE,             // no mapping: a page table, whose root is the frame
};

typedef struct {
    uint64_t root;          // frame number of the root table
    uint64_t first_page, count;
    uint64_t frames;        // the first frame's number, or a digest of several runs (kernel/memory/ledger)
    uint32_t flags;         // flag word of the leaves, without ACCESSED and DIRTY
    uint32_t next;          // in the list of free or of lost ones; index + 1, 0 ends it
    uint8_t kind, state, exported, overridden;
    void *handle;           // the Record, as long as there is one; keeps nothing alive
} record_t;
// Kernel Python's machine code reads these as words: kernel/memory/ledger, kernel/memory/mappings/few.py.
_Static_assert(offsetof(record_t, first_page) == 8 && offsetof(record_t, count) == 16 && offsetof(record_t, frames) == 24
    && offsetof(record_t, flags) == 32 && offsetof(record_t, kind) == 40 && offsetof(record_t, exported) == 42
    && sizeof(record_t) == 56, "kernel/memory/ledger has these numbers");

extern record_t records[RECORDS_MAX];
extern size_t records_used;     // records from here on have never been used
void records_reset(void);
// The record of a Record; NULL when it has ended, or for anything else.
record_t *record_of(mp_obj_t handle);
size_t records_lost_count(void);
// The record, live or lost, of the mapping that a page lies in, as a root sees it (the upper half is everybody's); or NULL.
const record_t *records_find(uint64_t root, uint64_t page);
// A raw buffer of the mapping was handed out; `handle` is its Record.
void record_mark_exported(mp_obj_t handle);
// The last changes of mappings, into the log: for a panic.
void mapper_events_print(void);

// --- the ledger itself, for this room: what every mapping passes through is in line ---

typedef struct {
    mp_obj_base_t base;
    record_t *record;       // NULL when it has ended
    mp_obj_t owner;         // of a table: its PageTable, which dies together with this
} record_handle_t;

typedef struct {
    uint32_t first_free, first_lost;        // as record_t.next
    size_t lost;
} ledger_t;
extern ledger_t ledger;

// The last events, for whoever reads a panic.
#define EVENTS_MAX 32
enum { EVENT_MAP, EVENT_UNMAP, EVENT_CHANGE, EVENTS_KINDS };
typedef struct { uint64_t page, count, root, frames; uint8_t kind; } ledger_event_t;
extern ledger_event_t ledger_events[EVENTS_MAX];
extern size_t ledger_events_count;

static inline void ledger_note(unsigned kind, const record_t *record) {
    ledger_events[ledger_events_count++ % EVENTS_MAX] = (ledger_event_t) { .kind = kind, .root = record->root,
        .page = record->first_page, .count = record->count, .frames = record->frames };
}

NORETURN void ledger_refuse_more(void);

static inline record_t *ledger_take(void) {
    if (ledger.first_free != 0) {
        record_t *record = &records[ledger.first_free - 1];
        ledger.first_free = record->next;
        return record;
    }
    if (records_used == RECORDS_MAX) {
        ledger_refuse_more();
    }
    return &records[records_used++];
}

static inline void ledger_give(record_t *record) {
    record->state = RECORD_FREE;
    record->next = ledger.first_free;
    ledger.first_free = record - records + 1;
}

static inline void ledger_arm(record_t *record) {
    if (record->state == RECORD_PREPARED || record->state == RECORD_BUSY) {
        record->state = RECORD_LIVE;
        ledger_note(EVENT_MAP, record);
    }
}

static inline void ledger_disarm(record_t *record) {
    if (record->state == RECORD_LIVE) {
        record->state = RECORD_BUSY;
        ledger_note(EVENT_UNMAP, record);
    }
}

// Nobody has it any more: a live one waits among the lost, any other is free.
void ledger_lose(record_t *record);
// The lost one that is to be taken away first, live again; there must be one.
record_t *ledger_find_lost(void);
