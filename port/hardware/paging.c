// How this machine pages.
#include "port/hardware/instructions.h"
#include "port/hardware/paging.h"

paging_mode_t paging_mode;

void paging_init(void) {
    paging_mode.levels = cr4_read() & CR4_LA57 ? 5 : 4;
    paging_mode.half_bytes = pages_of_level(paging_mode.levels + 1) << PAGE_BITS >> 1;
    paging_mode.window = -((ENTRIES_PER_TABLE - WINDOW_ROOT_INDEX) * (pages_of_level(paging_mode.levels) << PAGE_BITS));
}

uint64_t reserved_entry_bits(void) {
    uint64_t no_execute = msr_read(MSR_EFER) & EFER_NXE ? 0 : ENTRY_NO_EXECUTE;
    return (ENTRY_FRAME & ~((1UL << cpu_features.physical_bits) - 1)) | no_execute;
}
