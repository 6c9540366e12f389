// Cases: the entries written anew, the page invalidated, one access, what came of it.
// In C because a matrix is 44 million cases of 388 instructions (`a case of the permission matrix`): one call of a
// Python function is 451.
#include <stdbool.h>
#include <string.h>
#include "port/faults/probe.h"
#include "port/faults/probe_cases.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"
#include "port/hardware/paging.h"

typedef struct {
    uint64_t cr0, cr3, cr4, efer, interrupts, pkrs;
    table_register_t idtr;
} machine_before_t;

// What all cases of a block have in common.
typedef struct {
    const block_t *block;
    uint64_t address, user_code;
    unsigned top;                       // the level of the highest entry of a case
    probe_step_t way[PROBE_LEVELS];
    volatile uint64_t *held;            // the value in the frame
} setting_t;

static uint16_t words[CASES_SLICE_WORDS];

static void pkru_write(uint32_t value) {
    __asm__ volatile (".byte 0x0f, 0x01, 0xef" : : "a"(value), "c"(0), "d"(0) : "memory");
}

uint64_t cases_cr4(const block_t *block) {
    return (cr4_read() & ~(CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_PKS)) | (block->settings & SETTING_SMEP ? CR4_SMEP : 0)
        | (block->settings & SETTING_SMAP ? CR4_SMAP : 0) | (block->settings & SETTING_PKE ? CR4_PKE : 0)
        | (block->settings & SETTING_PKS ? CR4_PKS : 0);
}

// The rights of keys are written even when the keys are then switched off: they have to be without effect.
static void enter_root(const setting_t *setting, machine_before_t *before) {
    const block_t *block = setting->block;
    before->interrupts = interrupts_disable();
    before->cr0 = cr0_read();
    before->cr3 = cr3_read();
    before->cr4 = cr4_read();
    before->efer = msr_read(MSR_EFER);
    uint64_t root = probe_root_build(setting->address, setting->top);
    memcpy((char *)probe_target + block->offset, &block->value, sizeof block->value);
    cr3_write(root);
    if (cpu_features.cr4_allowed & CR4_PKE) {
        cr4_write(before->cr4 | CR4_PKE);
        pkru_write(block->pkru);
    }
    if (cpu_features.supervisor_keys) {
        before->pkrs = msr_read(MSR_PKRS);
        msr_write(MSR_PKRS, block->pkrs);
    }
    cr4_write(cases_cr4(block));
    msr_write(MSR_EFER, block->settings & SETTING_NXE ? before->efer | EFER_NXE : before->efer & ~EFER_NXE);
    cr0_write(block->settings & SETTING_WP ? before->cr0 | CR0_WP : before->cr0 & ~CR0_WP);
    cr3_write(root);
    probe_begin(&before->idtr);
}

static void leave_root(const machine_before_t *before) {
    probe_end(&before->idtr);
    cr0_write(before->cr0);
    msr_write(MSR_EFER, before->efer);
    if (cpu_features.cr4_allowed & CR4_PKE) {
        cr4_write(before->cr4 | CR4_PKE);
        pkru_write(0);
    }
    if (cpu_features.supervisor_keys) {
        msr_write(MSR_PKRS, before->pkrs);
    }
    cr4_write(before->cr4);
    cr3_write(before->cr3);
    interrupts_restore(before->interrupts);
}

static void entries_of(const setting_t *setting, uint64_t state, uint64_t entries[PROBE_LEVELS]) {
    const block_t *block = setting->block;
    memcpy(entries, block->flags, PROBE_LEVELS * sizeof entries[0]);
    for (size_t i = 0; i < block->toggles_count; i++) {
        if (state >> i & 1) {
            entries[block->toggles[i][0] - 1] ^= 1UL << block->toggles[i][1];
        }
    }
    for (unsigned level = 1; level <= PROBE_LEVELS; level++) {
        const probe_step_t *step = &setting->way[level - 1];
        entries[level - 1] ^= entry_is_leaf(entries[level - 1], level) ? step->as_leaf : step->as_table;
    }
}

// Is what was read, run or stored what it should be? What was stored is put back.
static bool value_is_odd(const setting_t *setting, unsigned kind, bool success) {
    uint64_t value = setting->block->value, found = probe_machine.value, now = *setting->held;
    if (now != value) {
        *setting->held = value;
    }
    bool odd = success && kind == PROBE_KIND_READ && found != value;
    odd |= success && kind == PROBE_KIND_EXECUTE && found != (uint32_t)(value >> 8);
    return odd || now != (success && kind == PROBE_KIND_WRITE ? ~value : value);
}

// The loops over levels are unrolled: a matrix is forty million of these.
static uint16_t outcome(const setting_t *setting, unsigned access, const uint64_t before[PROBE_LEVELS]) {
    const probe_machine_t *end = &probe_machine;
    bool fault = end->vector == VECTOR_PAGE_FAULT, success = probe_succeeded(setting->address, access, setting->user_code);
    bool odd = fault ? end->cr2 != setting->address || (end->error_code & ~(uint64_t)WORD_ERROR_BITS) != 0 : !success;
    odd |= value_is_odd(setting, access & PROBE_KIND, success);
    uint64_t accessed = 0, dirty = 0, strange = 0;
    #pragma GCC unroll 4
    for (size_t i = 0; i < PROBE_LEVELS; i++) {
        uint64_t changed = before[i] ^ *setting->way[i].entry;
        accessed |= changed / ENTRY_ACCESSED % 2 << i;
        dirty |= changed / ENTRY_DIRTY % 2 << i;
        strange |= (changed & ~(ENTRY_ACCESSED | ENTRY_DIRTY)) | (changed & before[i]);
    }
    odd |= strange != 0 || dirty >> 3 != 0;             // no entry of level 4 maps a page
    return (fault ? WORD_FAULT | (end->error_code & WORD_ERROR_BITS) : 0) | accessed << WORD_ACCESSED_SHIFT
        | (dirty & 7) << WORD_DIRTY_SHIFT | (odd ? WORD_ODD : 0);
}

static uint16_t run_case(const setting_t *setting, unsigned access, const uint64_t entries[PROBE_LEVELS]) {
    #pragma GCC unroll 4
    for (size_t i = 0; i < PROBE_LEVELS; i++) {
        if (*setting->way[i].entry != entries[i]) {
            *setting->way[i].entry = entries[i];
        }
    }
    page_invalidate(setting->address);
    if (access & PROBE_PRIMED) {
        probe_access(setting->address, 0, PROBE_KIND_READ | (access & PROBE_AC), setting->user_code);
    }
    probe_access(setting->address, ~setting->block->value, access, setting->user_code);
    return outcome(setting, access, entries);
}

const uint16_t *cases_run(const block_t *block, uint64_t first_state, uint64_t states) {
    machine_before_t before;
    uint64_t entries[PROBE_LEVELS];
    uint16_t *out = words;
    setting_t setting = {
        .block = block, .user_code = probe_user_code(), .held = (uint64_t *)((char *)probe_target + block->offset),
        .address = probe_address(block->root_index, block->index, block->offset),
        .top = block->settings & SETTING_BELOW_ROOT ? PROBE_LEVELS : paging_levels(),
    };
    probe_way(setting.address, setting.top, setting.way);
    enter_root(&setting, &before);
    for (uint64_t state = first_state; state < first_state + states; state++) {
        entries_of(&setting, state, entries);
        for (size_t i = 0; i < block->accesses_count; i++) {
            *out++ = run_case(&setting, block->accesses[i], entries);
        }
    }
    leave_root(&before);
    return words;
}
