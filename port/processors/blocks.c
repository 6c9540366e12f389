// Which processors there are, and where their blocks lie: for whoever has to do with them.
#include "port/faults/interrupt_controllers.h"
#include "port/processors/processors.h"

uint64_t processors_blocks;
volatile uint64_t processors_online, processors_attached;
uint32_t processors_first_apic_id;
uint8_t processors_numbers[256];                // by APIC id
processors_start_t processors_start;

void processors_refuse_python(uint64_t wanted) {
    if (local_apic_id() != processors_first_apic_id) {
        __asm__ volatile ("jmp processor_refuse" : : "a"(wanted));
    }
}
