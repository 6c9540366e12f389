// The record of every mapping that somebody owns, outside of Python's heap: numbers only.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include "py/obj.h"

#define RECORDS_MAX 65536

enum { RECORD_FREE, RECORD_PREPARED, RECORD_LIVE, RECORD_LOST };
enum { KIND_EXCLUSIVE, KIND_SHARED, KIND_SYSTEM, KIND_DEVICE, KIND_TABLE, KINDS };

typedef struct {
    uint64_t root;          // frame number of the root table
    uint64_t first_page, count;
    uint32_t flags;         // flag word of the leaves, without ACCESSED and DIRTY
    uint32_t next;          // in the list of free or of lost ones; index + 1, 0 ends it
    uint8_t kind, state, exported;
    uint8_t overridden;     // may be writable here and executable there: somebody said why
} record_t;

extern record_t records[RECORDS_MAX];
extern size_t records_used;     // records from here on have never been used
void records_reset(void);
// The record of a Record; NULL when it has ended, or for anything else.
record_t *record_of(mp_obj_t handle);
bool records_have_lost(void);
// A Record that says nothing yet.
mp_obj_t record_new(void);
// Its mapping is gone, or another owner's. Does nothing when it has ended.
void record_end_now(mp_obj_t handle);
// From here on what the record says is mapped.
void record_arm_now(record_t *record);
size_t records_lost_count(void);
// A raw buffer of the mapping was handed out; `handle` is its Record.
void record_mark_exported(mp_obj_t handle);
