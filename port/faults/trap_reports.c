// What was true at a trap. Nothing here allocates or needs the interpreter to be well.
#include <string.h>
#include "port/boot/tables.h"
#include "port/console/log.h"
#include "port/faults/panic.h"
#include "port/faults/trap_log.h"
#include "port/faults/trap_reports.h"
#include "port/faults/vectors.h"
#include "port/faults/walk.h"
#include "port/hardware/instructions.h"
#include "port/ledger/records.h"

void trap_record_make(trap_record_t *record, const trap_frame_t *frame) {
    record->vector = frame->vector;
    record->error_code = frame->error_code;
    record->instruction_pointer = frame->rip;
    record->flags = frame->rflags;
    record->table_root = cr3_read();
    record->time = tsc_read();
    record->address = 0;
    record->level_first = record->level_last = 0;
    record->not_resolved = record->stack_overflow = false;
    record->mapping_count = 0;
    if (frame->vector != VECTOR_PAGE_FAULT) {
        const uint64_t registers[16] = { frame->rax, frame->rcx, frame->rdx, frame->rbx, frame->rsp, frame->rbp, frame->rsi, frame->rdi,
            frame->r8, frame->r9, frame->r10, frame->r11, frame->r12, frame->r13, frame->r14, frame->r15 };
        memcpy(record->registers, registers, sizeof registers);
        return;
    }
    record->address = cr2_read();
    if (boot_tables_root != 0) {                // before that there is no window to walk through
        trap_record_walk(record);
    }
}

// Taken down now: whoever asks later may have dropped or changed it. Every record is looked at, so a handler's faults do
// without where the entry is clear: nothing is mapped there, as handlers expect.
void trap_record_note_mapping(trap_record_t *record) {
    uint64_t page = record->address / PAGE_SIZE;
    const record_t *found = records_find(frame_of_entry(record->table_root), page);
    if (found != NULL) {
        record->mapping_kind = found->kind;
        record->mapping_flags = found->flags;
        record->mapping_first_page = found->first_page;
        record->mapping_count = found->count;
    }
}

void trap_panic(const trap_frame_t *f, const char *who, const char *reason) {
    static bool panicking;
    panic_begin();
    if (panicking) {
        panic("%s%s at 0x%lx while panicking", who, trap_name(f->vector), f->rip);
    }
    panicking = true;
    trap_record_t record;
    trap_record_make(&record, f);
    log_print("rip %016lx cs %02lx rflags %08lx rsp %016lx\n", f->rip, f->cs, f->rflags, f->rsp);
    log_print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    log_print("rsi %016lx rdi %016lx rbp %016lx cr2 %016lx\n", f->rsi, f->rdi, f->rbp, cr2_read());
    log_print("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
    log_print("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
    log_print("cr0 %08lx cr3 %016lx cr4 %08lx\n", cr0_read(), cr3_read(), cr4_read());
    trap_record_print_walk(&record);
    if (f->vector == VECTOR_PAGE_FAULT) {
        panic("%s%s at 0x%lx, address 0x%lx, error code 0x%lx: %s", who, trap_name(f->vector), f->rip, cr2_read(), f->error_code, reason);
    }
    panic("%s%s at 0x%lx, error code 0x%lx: %s", who, trap_name(f->vector), f->rip, f->error_code, reason);
}
