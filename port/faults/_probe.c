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
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

// --- run(): combinations of entry bits, on a root of its own ---

// run(block, first_state, results): one 16-bit word per access, as many states as the results have room for.
static mp_obj_t probe_run(mp_obj_t bytes, mp_obj_t first_in, mp_obj_t results) {
    block_t block;
    mp_buffer_info_t in, out;
    mp_get_buffer_raise(bytes, &in, MP_BUFFER_READ);
    mp_get_buffer_raise(results, &out, MP_BUFFER_WRITE);
    memcpy(&block, in.buf, sizeof block);
    if (!probe_root_has_room(block.p4_index)) {
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
static MP_DEFINE_CONST_FUN_OBJ_3(probe_run_obj, probe_run);

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
        case STEP_ENTRY: ((volatile uint64_t *)(words[0] << PAGE_BITS))[words[1]] = words[2] << PAGE_BITS | entry_of_word(words[3]); break;
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
static mp_obj_t probe_sequence(mp_obj_t packed) {
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
static MP_DEFINE_CONST_FUN_OBJ_1(probe_sequence_obj, probe_sequence);

// call(address): as a C function without arguments, in ring 0, with exceptions as they always are.
static mp_obj_t probe_call(mp_obj_t address) {
    ((void (*)(void))native_get_u64(address))();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(probe_call_obj, probe_call);

static MP_DEFINE_STR_OBJ(block_format, BLOCK_FORMAT);

static const mp_rom_map_elem_t probe_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__probe) },
    { MP_ROM_QSTR(MP_QSTR_READ), MP_ROM_INT(PROBE_KIND_READ) },
    { MP_ROM_QSTR(MP_QSTR_WRITE), MP_ROM_INT(PROBE_KIND_WRITE) },
    { MP_ROM_QSTR(MP_QSTR_EXECUTE), MP_ROM_INT(PROBE_KIND_EXECUTE) },
    { MP_ROM_QSTR(MP_QSTR_USER), MP_ROM_INT(PROBE_USER) },
    { MP_ROM_QSTR(MP_QSTR_PRIMED), MP_ROM_INT(PROBE_PRIMED) },
    { MP_ROM_QSTR(MP_QSTR_ALIGNMENT_CHECK), MP_ROM_INT(PROBE_AC) },
    { MP_ROM_QSTR(MP_QSTR_WRITE_PROTECT), MP_ROM_INT(SETTING_WP) },
    { MP_ROM_QSTR(MP_QSTR_NO_EXECUTE_ENABLE), MP_ROM_INT(SETTING_NXE) },
    { MP_ROM_QSTR(MP_QSTR_SMEP), MP_ROM_INT(SETTING_SMEP) },
    { MP_ROM_QSTR(MP_QSTR_SMAP), MP_ROM_INT(SETTING_SMAP) },
    { MP_ROM_QSTR(MP_QSTR_PROTECTION_KEYS), MP_ROM_INT(SETTING_PKE) },
    { MP_ROM_QSTR(MP_QSTR_STEP_ACCESS), MP_ROM_INT(STEP_ACCESS) },
    { MP_ROM_QSTR(MP_QSTR_STEP_ENTRY), MP_ROM_INT(STEP_ENTRY) },
    { MP_ROM_QSTR(MP_QSTR_STEP_INVALIDATE), MP_ROM_INT(STEP_INVALIDATE) },
    { MP_ROM_QSTR(MP_QSTR_STEP_FLUSH), MP_ROM_INT(STEP_FLUSH) },
    { MP_ROM_QSTR(MP_QSTR_STEP_FLUSH_GLOBAL), MP_ROM_INT(STEP_FLUSH_GLOBAL) },
    { MP_ROM_QSTR(MP_QSTR_STEP_WRITE_PROTECT), MP_ROM_INT(STEP_WRITE_PROTECT) },
    { MP_ROM_QSTR(MP_QSTR_BLOCK_FORMAT), MP_ROM_PTR(&block_format) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&probe_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&probe_call_obj) },
    { MP_ROM_QSTR(MP_QSTR_sequence), MP_ROM_PTR(&probe_sequence_obj) },
};
static MP_DEFINE_CONST_DICT(probe_globals, probe_globals_table);
const mp_obj_module_t probe_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&probe_globals };
MP_REGISTER_MODULE(MP_QSTR__probe, probe_module);
