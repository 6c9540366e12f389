// The walk of an address as the processor did it: what a fault's record holds, a panic prints, and a handler's "try
// again" is judged by.
#pragma once
#include "port/faults/traps.h"

// Walk record->address by record->table_root, and keep the raw entries: down to the page, or to the entry that the
// processor could not use. A table outside of the window (an entry was overwritten) ends the walk.
void trap_record_walk(trap_record_t *record);
// The index into the table of that level that the walk took.
unsigned trap_record_index(const trap_record_t *record, unsigned level);
// The entries, into the log.
void trap_record_print_walk(const trap_record_t *record);
// Would this access succeed by the tables as they are now?
bool fault_is_resolved(const trap_record_t *record);
