// Before the other processors start: what each finds on its way.
#include <string.h>
#include "port/faults/interrupt_controllers.h"
#include "port/faults/panic.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/window.h"
#include "port/processors/processors.h"

void processors_begin(uint64_t blocks, const uint8_t numbers[256], const processor_setting_t *wanted, size_t count, uint64_t root) {
    processors_start_t *start = &processors_start;
    processors_blocks = blocks;
    processors_first_apic_id = local_apic_id();
    memcpy(processors_numbers, numbers, sizeof processors_numbers);
    for (unsigned id = 0; id < 256; id++) {
        if (numbers[id] != 0) {
            processor_t *processor = processor_of(numbers[id]);
            memset(processor, 0, PROCESSOR_BYTES);
            processor->self = processor;
            processor->number = numbers[id];
            processor->apic_id = id;
        }
    }
    memcpy(start->settings, wanted, count * sizeof *wanted);
    start->settings_count = count;
    start->root = root;
    start->cr0 = cr0_read();
    start->cr4 = cr4_read();
    start->efer = msr_read(MSR_EFER);
    for (size_t vector = 0; vector < PROCESSOR_VECTORS; vector++) {
        uint64_t stack = vector == VECTOR_NON_MASKABLE ? IST_NON_MASKABLE : vector < EXCEPTIONS ? IST_PAGE_FAULT : IST_INTERRUPT;
        start->gates[vector] = gate_to(processor_stubs[vector], GATE_INTERRUPT, stack);
    }
    start->stubs = (uint64_t)processor_stubs_start;
    start->stubs_bytes = processor_stubs_end - processor_stubs_start;
    panic_set_stop_others(processors_stop_others);
}

void trampoline_place(uint64_t frame, uint64_t root) {
    char *page = window_pointer(frame);
    keys_begin_store();
    memcpy(page, trampoline_start, trampoline_end - trampoline_start);
    trampoline_words_t *words = (trampoline_words_t *)(page + (trampoline_root - trampoline_start));
    words->root = root;
    words->long_mode += frame;
    words->gdt += frame;
    words->cr4 |= cr4_read() & CR4_LA57;
    keys_end_store();
}
