// What was true at a trap: taken down, and told by a panic. For whichever processor took it.
#pragma once
#include "port/faults/traps.h"

// On the processor that took the trap, before anything else can fault: CR2 and CR3 are its own.
void trap_record_make(trap_record_t *record, const trap_frame_t *frame);
// Which owned mapping the address of a page fault is in. On the processor that runs Python: nobody changes records then.
void trap_record_note_mapping(trap_record_t *record);
// The registers and the walk into the log, then a panic. `who` is "" for the processor that runs Python.
void trap_panic(const trap_frame_t *frame, const char *who, const char *reason) __attribute__((noreturn));
