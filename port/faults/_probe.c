// `_probe`: accesses whose outcome is recorded instead of taken. Contracts: port/typings/_probe.pyi; the parts: probe.h.
// What it is given has been checked and packed by kernel/faults/probe.py, and by nobody else.
//
// sequence() works on the live tables: accesses in ring 0 or 3, changed entries and flushes, with nothing in
// between, so that a stale translation shows. run() works on a root of its own, whose kernel mappings carry no NX
// (EFER.NXE can be off): every combination of some bits of the entries for one address, times some accesses.
//
// In C because nothing of Python may run between an access and what is said of it: it would fill the TLB and take
// exceptions of its own.
#include <string.h>
#include "py/objstr.h"
#include "port/faults/probe.h"
#include "port/faults/probe_cases.h"
#include "port/faults/probe_tables.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

// --- run(): combinations of entry bits, on a root of its own ---

// run(block, first_state, results): one 16-bit word per access, as many states as the results have room for.
NATIVE_3(probe_run, bytes, first_in, results) {
    block_t block;
    mp_buffer_info_t in, out;
    mp_get_buffer_raise(bytes, &in, MP_BUFFER_READ);
    mp_get_buffer_raise(results, &out, MP_BUFFER_WRITE);
    memcpy(&block, in.buf, sizeof block);
    if (!probe_root_has_room(block.root_index)) {
        mp_raise_ValueError(MP_ERROR_TEXT("block: level-4 index 2 and 511 are taken"));
    }
    if (!cpu_cr4_is_valid(cases_cr4(&block))) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("this CPU lacks SMEP, SMAP or protection keys"));
    }
    uint64_t states = 1UL << block.toggles_count, first = native_get_below(first_in, states, "first state");
    uint64_t wanted = out.len / (sizeof(uint16_t) * block.accesses_count);
    if (wanted > states - first) {
        wanted = states - first;
    }
    const uint64_t per_slice = CASES_SLICE_WORDS / block.accesses_count;
    for (uint64_t done = 0; done < wanted;) {
        uint64_t now = wanted - done < per_slice ? wanted - done : per_slice;
        const uint16_t *words = cases_run(&block, first + done, now);
        size_t length = now * block.accesses_count * sizeof(uint16_t);
        memcpy((char *)out.buf + done * block.accesses_count * sizeof(uint16_t), words, length);
        done += now;
    }
    return MP_OBJ_NEW_SMALL_INT(wanted);
}

// --- sequence(): steps on the live tables ---

enum { STEP_ACCESS, STEP_ENTRY, STEP_INVALIDATE, STEP_FLUSH, STEP_FLUSH_GLOBAL, STEP_WRITE_PROTECT };
#define STEPS_MAX       64

// As Python packs it: an access has its kind, address and value; an entry its table's page, index, frame and flag word. In
// its place an access leaves its outcome.
typedef union {
    struct { uint64_t kind, words[4]; };
    struct { uint64_t success, vector, error_code, cr2, value; };
} step_t;
static step_t steps[STEPS_MAX];

static void flush_global(void) {
    cr4_write(cr4_read() ^ CR4_PGE);
    cr4_write(cr4_read() ^ CR4_PGE);
}

static void do_step(step_t *step, uint64_t user_code) {
    const uint64_t *words = step->words, access = words[0], address = words[1];
    switch (step->kind) {
        case STEP_ACCESS:
            probe_access(address, words[2], access, user_code);
            *step = (step_t) { .success = probe_succeeded(address, access, user_code), .vector = probe_machine.vector,
                .error_code = probe_machine.error_code, .cr2 = probe_machine.cr2, .value = probe_machine.value };
            break;
        case STEP_ENTRY: {
            const uint64_t entry = words[2] << PAGE_BITS | entry_of_word(words[3]);
            keys_begin_store();
            ((volatile uint64_t *)(words[0] << PAGE_BITS))[words[1]] = entry;
            keys_end_store();
            break;
        }
        case STEP_INVALIDATE: page_invalidate(words[0] << PAGE_BITS); break;
        case STEP_FLUSH: cr3_write(cr3_read()); break;
        case STEP_FLUSH_GLOBAL: flush_global(); break;
        case STEP_WRITE_PROTECT: cr0_write(words[0] ? cr0_read() | CR0_WP : cr0_read() & ~CR0_WP); break;
    }
}

static bool has_user_access(size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (steps[i].kind == STEP_ACCESS && steps[i].words[0] & PROBE_USER) {
            return true;
        }
    }
    return false;
}

// Ring 3's code needs an entry of the active root for as long as the sequence takes.
static void do_steps(size_t count) {
    table_register_t idtr;
    uint64_t interrupts = interrupts_disable(), cr0 = cr0_read();
    uint64_t user_code = has_user_access(count) ? probe_user_code_borrow() : 0;
    probe_begin(&idtr);
    for (size_t i = 0; i < count; i++) {
        do_step(&steps[i], user_code);
    }
    cr0_write(cr0);
    probe_end(&idtr);
    probe_user_code_return(user_code);
    interrupts_restore(interrupts);
}

// sequence(steps): packed steps; those that are accesses become their outcomes. What Python's heap lies in is left alone
// while they are done.
NATIVE_1(probe_sequence, packed) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(packed, &buffer, MP_BUFFER_RW);
    if (buffer.len > sizeof steps || buffer.len % sizeof steps[0] != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("at most 64 steps"));
    }
    memcpy(steps, buffer.buf, buffer.len);
    do_steps(buffer.len / sizeof steps[0]);
    memcpy(buffer.buf, steps, buffer.len);
    return mp_const_none;
}

// call(address): as a C function without arguments, in ring 0, with exceptions as they always are.
NATIVE_1(probe_call, address) {
    ((void (*)(void))native_get_u64(address))();
    return mp_const_none;
}

static MP_DEFINE_STR_OBJ(block_format, BLOCK_FORMAT);

NATIVE_MODULE(probe,
    NATIVE_INT(READ, PROBE_KIND_READ), NATIVE_INT(WRITE, PROBE_KIND_WRITE), NATIVE_INT(EXECUTE, PROBE_KIND_EXECUTE),
    NATIVE_INT(USER, PROBE_USER), NATIVE_INT(PRIMED, PROBE_PRIMED), NATIVE_INT(ALIGNMENT_CHECK, PROBE_AC),
    NATIVE_INT(WRITE_PROTECT, SETTING_WP), NATIVE_INT(NO_EXECUTE_ENABLE, SETTING_NXE),
    NATIVE_INT(SMEP, SETTING_SMEP), NATIVE_INT(SMAP, SETTING_SMAP), NATIVE_INT(PROTECTION_KEYS, SETTING_PKE),
    NATIVE_INT(BELOW_ROOT, SETTING_BELOW_ROOT), NATIVE_INT(SUPERVISOR_KEYS, SETTING_PKS),
    NATIVE_INT(STEP_ACCESS, STEP_ACCESS), NATIVE_INT(STEP_ENTRY, STEP_ENTRY),
    NATIVE_INT(STEP_INVALIDATE, STEP_INVALIDATE), NATIVE_INT(STEP_FLUSH, STEP_FLUSH),
    NATIVE_INT(STEP_FLUSH_GLOBAL, STEP_FLUSH_GLOBAL), NATIVE_INT(STEP_WRITE_PROTECT, STEP_WRITE_PROTECT),
    NATIVE_AT(BLOCK_FORMAT, block_format),
    NATIVE(probe, run), NATIVE(probe, call), NATIVE(probe, sequence));
