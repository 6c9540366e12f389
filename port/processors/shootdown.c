// One request at a time, from the processor that runs Python to all whom it concerns.
#include "py/mphal.h"
#include "port/faults/interrupt_controllers.h"
#include "port/faults/panic.h"
#include "port/hardware/instructions.h"
#include "port/processors/shootdown.h"

#define ROUND_LIMIT_US 3000000UL
#define PAUSES_BETWEEN_LOOKS 4096

static struct {
    uint64_t address, count, mode;
    volatile uint64_t pending;                  // a bit for each processor that has not answered
} request;

static void wait_for_all(void) {
    uint64_t end = 0;
    for (uint64_t pauses = 1; request.pending != 0; pauses++) {
        processor_pause();
        if (pauses % PAUSES_BETWEEN_LOOKS == 0) {
            uint64_t now = mp_hal_ticks_us();
            end = end == 0 ? now + ROUND_LIMIT_US : end;
            if (now > end) {
                panic("cpu %u does not answer a TLB shootdown", (unsigned)__builtin_ctzl(request.pending));
            }
        }
    }
}

void shootdown_round(uint64_t root, uint64_t address, uint64_t count, uint64_t mode) {
    uint64_t concerned = processors_attached;
    for (uint64_t left = root != 0 ? concerned : 0; left != 0;) {
        unsigned number = processors_next(&left);
        concerned &= ~((uint64_t)(processor_of(number)->root != root) << number);
    }
    if (concerned == 0) {
        return;
    }
    request.address = address;
    request.count = count;
    request.mode = mode;
    request.pending = concerned;
    for (uint64_t left = concerned; left != 0;) {
        local_apic_send(processor_of(processors_next(&left))->apic_id, APIC_FIXED | PROCESSOR_VECTOR_SHOOT);
    }
    wait_for_all();
}

// On each of the others.
__attribute__((target("general-regs-only"))) void processor_shoot(void) {
    processor_t *self = processor_self();
    if (request.mode >= PAGE_SIZE) {
        uint64_t address = request.address;
        for (uint64_t left = request.count; left != 0; left--, address += request.mode) {
            page_invalidate(address);
        }
    } else if (request.mode == SHOOT_NOT_GLOBAL) {
        cr3_write(cr3_read());
    } else {
        uint64_t value = cr4_read();
        cr4_write(value ^ CR4_PGE);
        cr4_write(value);
    }
    self->shootdowns++;
    __atomic_and_fetch(&request.pending, ~(1UL << self->number), __ATOMIC_SEQ_CST);
    local_apic_end();
}
