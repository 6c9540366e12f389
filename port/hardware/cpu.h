// What this CPU is and can, and the descriptor tables that it works by.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// What CPUID says, read once.
typedef struct {
    uint32_t features_1_ecx, features_1_edx, features_7_ebx, features_7_ecx, features_7_edx, extended_edx;
    uint8_t physical_bits;
    uint64_t cr4_allowed;   // bits of CR4 that this CPU defines
    bool gigabyte_pages;
    bool supervisor_keys, user_pages_kept_off;  // PKS, SMAP
} cpu_features_t;
extern cpu_features_t cpu_features;

void cpu_init(void);
// Values that hang QEMU's TCG for ever instead of faulting are refused by these, before they reach the register.
bool cpu_cr0_is_valid(uint64_t value);
bool cpu_cr3_is_valid(uint64_t value);
bool cpu_cr4_is_valid(uint64_t value);
