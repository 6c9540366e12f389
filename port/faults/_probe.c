// `_probe`: accesses whose outcome is recorded instead of taken. Contracts: port/typings/_probe.pyi; the parts: probe.h.
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

static NORETURN void refuse_block(const char *reason) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("block: %s"), reason);
}

static void get_block(mp_obj_t bytes, block_t *block) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(bytes, &buffer, MP_BUFFER_READ);
    if (buffer.len != sizeof *block) {
        refuse_block("wrong length");
    }
    memcpy(block, buffer.buf, sizeof *block);
    if (block->accesses_count == 0 || block->accesses_count > CASES_ACCESSES_MAX || block->toggles_count > CASES_TOGGLES_MAX) {
        refuse_block("1 to 48 accesses, 0 to 24 toggles");
    }
    for (size_t i = 0; i < block->accesses_count; i++) {
        if ((block->accesses[i] & PROBE_KIND) > PROBE_KIND_EXECUTE || block->accesses[i] >= PROBE_ACCESSES) {
            refuse_block("no such access");
        }
    }
    for (size_t i = 0; i < block->toggles_count; i++) {
        if (block->toggles[i][0] < 1 || block->toggles[i][0] > PROBE_LEVELS || block->toggles[i][1] > 63) {
            refuse_block("toggles are (level 1 to 4, bit 0 to 63)");
        }
    }
    if (!probe_root_has_room(block->p4_index) || block->p3_index >= ENTRIES_PER_TABLE) {
        refuse_block("level-4 index 2 and 511 are taken");
    }
    if (block->offset > PAGE_SIZE - sizeof block->value || (block->value & 0xff) != 0xb8 || (block->value >> 40 & 0xff) != 0xcc) {
        refuse_block("offset at most 4088, value 0x....cc........b8");
    }
    if (!cpu_cr4_is_valid(cases_cr4(block))) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("this CPU lacks SMEP, SMAP or protection keys"));
    }
}

// run(block, first_state, results): one 16-bit word per access, as many states as the results have room for.
static mp_obj_t probe_run(mp_obj_t bytes, mp_obj_t first_in, mp_obj_t results) {
    block_t block;
    get_block(bytes, &block);
    mp_buffer_info_t out;
    mp_get_buffer_raise(results, &out, MP_BUFFER_WRITE);
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

// What the last case of the last run() ended with, for a person: vector, error code, CR2, RAX, entries of levels 1 to 4.
static mp_obj_t probe_last(void) {
    const probe_machine_t *end = &probe_machine;
    mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(end->vector), MP_OBJ_NEW_SMALL_INT(end->error_code), native_new_u64(end->cr2),
        native_new_u64(end->value), native_new_u64(end->rip) };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(probe_last_obj, probe_last);

// --- sequence(): steps on the live tables ---

enum { STEP_ACCESS, STEP_ENTRY, STEP_INVALIDATE, STEP_FLUSH, STEP_FLUSH_GLOBAL, STEP_WRITE_PROTECT, STEP_KINDS };
#define STEPS_MAX       64
#define STEP_WORDS      5

typedef struct { uint64_t words[STEP_WORDS]; } step_t;
typedef struct { uint64_t vector, error_code, cr2, value; bool success; } outcome_t;
static step_t steps[STEPS_MAX];
static outcome_t outcomes[STEPS_MAX];

static void get_access_step(const mp_obj_t *items, step_t *step) {
    step->words[1] = native_get_below(items[1], PROBE_ACCESSES, "access");
    step->words[2] = native_get_u64(items[2]);
    step->words[3] = native_get_u64(items[3]);
    if ((step->words[1] & PROBE_KIND) > PROBE_KIND_EXECUTE) {
        mp_raise_ValueError(MP_ERROR_TEXT("access: 0 read, 1 write, 2 execute"));
    }
}

static void get_entry_step(const mp_obj_t *items, step_t *step) {
    uint64_t flags = native_get_below(items[4], WORD_RAW_LIMIT, "flags");
    step->words[1] = native_get_page(items[1]);
    step->words[2] = native_get_below(items[2], ENTRIES_PER_TABLE, "index");
    step->words[3] = native_get_below(items[3], 1UL << 40, "frame") << PAGE_BITS | entry_of_word(flags);
}

static void get_step(mp_obj_t tuple, step_t *step) {
    static const size_t lengths[STEP_KINDS] = { [STEP_ACCESS] = 4, [STEP_ENTRY] = 5, [STEP_INVALIDATE] = 2, [STEP_FLUSH] = 1,
        [STEP_FLUSH_GLOBAL] = 1, [STEP_WRITE_PROTECT] = 2 };
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(tuple, &count, &items);
    step->words[0] = count == 0 ? STEP_KINDS : native_get_below(items[0], STEP_KINDS, "kind of step");
    if (count == 0 || count != lengths[step->words[0]]) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%r is no step"), tuple);
    }
    switch (step->words[0]) {
        case STEP_ACCESS: get_access_step(items, step); break;
        case STEP_ENTRY: get_entry_step(items, step); break;
        case STEP_INVALIDATE: step->words[1] = native_get_page(items[1]); break;
        case STEP_WRITE_PROTECT: step->words[1] = mp_obj_is_true(items[1]); break;
    }
}

static void flush_global(void) {
    cr4_write(cr4_read() ^ CR4_PGE);
    cr4_write(cr4_read() ^ CR4_PGE);
}

static void do_step(const step_t *step, outcome_t *outcome, uint64_t user_code) {
    const uint64_t *words = step->words;
    switch (words[0]) {
        case STEP_ACCESS:
            probe_access(words[2], words[3], words[1], user_code);
            *outcome = (outcome_t) { probe_machine.vector, probe_machine.error_code, probe_machine.cr2, probe_machine.value,
                probe_succeeded(words[2], words[1], user_code) };
            break;
        case STEP_ENTRY: ((volatile uint64_t *)words[1])[words[2]] = words[3]; break;
        case STEP_INVALIDATE: page_invalidate(words[1]); break;
        case STEP_FLUSH: cr3_write(cr3_read()); break;
        case STEP_FLUSH_GLOBAL: flush_global(); break;
        case STEP_WRITE_PROTECT: cr0_write(words[1] ? cr0_read() | CR0_WP : cr0_read() & ~CR0_WP); break;
    }
}

static bool has_user_access(size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (steps[i].words[0] == STEP_ACCESS && steps[i].words[1] & PROBE_USER) {
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
        do_step(&steps[i], &outcomes[i], user_code);
    }
    cr0_write(cr0);
    probe_end(&idtr);
    probe_user_code_return(user_code);
    interrupts_restore(interrupts);
}

// sequence(steps): one (success, vector, error_code, cr2, value) for each access among the steps.
static mp_obj_t probe_sequence(mp_obj_t list) {
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(list, &count, &items);
    if (count > STEPS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("at most 64 steps"));
    }
    for (size_t i = 0; i < count; i++) {
        get_step(items[i], &steps[i]);
    }
    do_steps(count);
    mp_obj_t results = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < count; i++) {
        const outcome_t *end = &outcomes[i];
        if (steps[i].words[0] == STEP_ACCESS) {
            mp_obj_t parts[] = { mp_obj_new_bool(end->success), MP_OBJ_NEW_SMALL_INT(end->vector), MP_OBJ_NEW_SMALL_INT(end->error_code),
                native_new_u64(end->cr2), native_new_u64(end->value) };
            mp_obj_list_append(results, mp_obj_new_tuple(MP_ARRAY_SIZE(parts), parts));
        }
    }
    return results;
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
    { MP_ROM_QSTR(MP_QSTR_BLOCK_ACCESSES_COUNT_AT), MP_ROM_INT(offsetof(block_t, accesses_count)) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&probe_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_last), MP_ROM_PTR(&probe_last_obj) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&probe_call_obj) },
    { MP_ROM_QSTR(MP_QSTR_sequence), MP_ROM_PTR(&probe_sequence_obj) },
};
static MP_DEFINE_CONST_DICT(probe_globals, probe_globals_table);
const mp_obj_module_t probe_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&probe_globals };
MP_REGISTER_MODULE(MP_QSTR__probe, probe_module);
