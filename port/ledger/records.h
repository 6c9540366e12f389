// The record of every mapping that somebody owns, outside of Python's heap: numbers only.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include "py/obj.h"

#define RECORDS_MAX 65536

// Python has them as constants of `_records`. From LIVE on it says what is mapped; BUSY: a call is taking that away.
enum { RECORD_FREE, RECORD_PREPARED, RECORD_BUSY, RECORD_LIVE, RECORD_LOST };
enum {
    KIND_EXCLUSIVE,         // owned, and its frames are mapped nowhere else: RAM
    KIND_SHARED,            // frames that others may map, too
    KIND_SYSTEM,            // the kernel's own: never dropped
    KIND_DEVICE,            // as EXCLUSIVE, but its frames lie outside the pool of RAM
    KIND_TABLE,             // no mapping: a page table, whose root is the frame
    KINDS
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
// Kernel Python's machine code reads these as words (kernel/memory/mappings/few.py).
_Static_assert(offsetof(record_t, first_page) == 8 && offsetof(record_t, count) == 16 && offsetof(record_t, frames) == 24
    && offsetof(record_t, flags) == 32 && offsetof(record_t, kind) == 40 && offsetof(record_t, exported) == 42, "see few.py");

extern record_t records[RECORDS_MAX];
extern size_t records_used;     // records from here on have never been used
void records_reset(void);
// The record of a Record; NULL when it has ended, or for anything else.
record_t *record_of(mp_obj_t handle);
size_t records_lost_count(void);
// A raw buffer of the mapping was handed out; `handle` is its Record.
void record_mark_exported(mp_obj_t handle);
// The last changes of mappings, into the log: for a panic.
void mapper_events_print(void);
