// `_probe`: accesses whose outcome is recorded instead of taken. Contracts: port/typings/_probe.pyi.
//
// sequence() works on the live tables: accesses in ring 0 or 3, changed entries and flushes, with nothing in
// between, so that a stale translation shows. run() works on a root of its own, whose kernel mappings carry no NX
// (EFER.NXE can be off): every combination of some bits of the entries for one address, times some accesses.
//
// Interrupts are off and the processor's exceptions go to probe_stubs.S while either works.
#include <string.h>
#include "boot/layout.h"
#include "port/modules/natives.h"
#include "port/machine_control.h"
#include "port/probe.h"
#include "port/traps.h"

#define PRESENT         (1UL << 0)
#define WRITABLE        (1UL << 1)
#define USER            (1UL << 2)
#define ACCESSED        (1UL << 5)
#define DIRTY           (1UL << 6)
#define HUGE            (1UL << 7)
#define NO_EXECUTE      (1UL << 63)
#define FRAME_MASK      0x000ffffffffff000UL
#define CR0_WP          (1UL << 16)
#define CR4_SMEP        (1UL << 20)
#define CR4_SMAP        (1UL << 21)
#define CR4_PKE         (1UL << 22)
#define EFER            0xc0000080
#define EFER_NXE        (1UL << 11)
#define FLAGS_AC        (1UL << 18)
#define INDEX(address, level) ((address) >> (12 + 9 * ((level) - 1)) & 511)
#define LEVELS          4
#define USER_P4_INDEX   2       // where the probe's own root has ring 3's code

typedef uint64_t table_t[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));
typedef struct __attribute__((packed)) { uint16_t limit; uint64_t base; } table_register_t;
typedef struct { uint64_t low, high; } gate_t;

probe_machine_t probe_machine;
static gate_t gates[256] __attribute__((aligned(16)));
static table_t user_p3, user_p2, user_p1;
static table_t root, test_p3, test_p2, test_p1, image_p3, image_p2, image_p1[KERNEL_IMAGE_TABLES];
static uint64_t target[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));       // the frame that is accessed

enum { READ, WRITE, EXECUTE };
#define ACCESS_KIND     3
#define ACCESS_USER     4
#define ACCESS_PRIMED   8       // a supervisor's read first, so that the translation is cached
#define ACCESS_AC       16      // RFLAGS.AC set, in ring 0

void probe_unexpected(uint64_t vector, uint64_t error_code, uint64_t rip) {
    panic("%s at 0x%lx, error code 0x%lx: in the probe itself", trap_name(vector), rip, error_code);
}

// --- the processor's exceptions, here and back ---

static void load_gates(table_register_t *before) {
    __asm__ volatile ("sidt %0" : "=m"(*before));
    memcpy(gates, (const void *)before->base, sizeof gates);
    for (size_t vector = 0; vector < PROBE_VECTORS; vector++) {
        if (vector == VECTOR_NON_MASKABLE || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK) {
            continue;
        }
        uint64_t address = probe_stubs[vector], kind = vector == VECTOR_BREAKPOINT ? 0xee00UL : 0x8e00UL;
        gates[vector].low = (address & 0xffff) | (uint64_t)SELECTOR_KERNEL_CODE << 16 | kind << 32 | (address >> 16 & 0xffff) << 48;
        gates[vector].high = address >> 32;
    }
    table_register_t own = { sizeof gates - 1, (uint64_t)gates };
    __asm__ volatile ("lidt %0" : : "m"(own));
}

// Ring 3 leaves the data segments null.
static void restore_gates(const table_register_t *before) {
    __asm__ volatile ("lidt %0; mov %1, %%ds; mov %1, %%es" : : "m"(*before), "r"(SELECTOR_KERNEL_DATA));
}

// --- one access ---

// Ring 3's code: the page of probe_read, mapped for users. Returns the entry for a level-4 table.
static uint64_t build_user_code(void) {
    const uint64_t flags = PRESENT | USER | ACCESSED | WRITABLE;
    user_p3[0] = image_physical(user_p2) | flags;
    user_p2[0] = image_physical(user_p1) | flags;
    user_p1[0] = (image_physical(probe_read) & FRAME_MASK) | PRESENT | USER | ACCESSED;
    return image_physical(user_p3) | flags;
}

// The entry point of an access; the code of ring 3 lies in the page at p4_index << 39.
static uint64_t entry_point(uint64_t address, unsigned access, uint64_t user_p4_index) {
    if ((access & ACCESS_KIND) == EXECUTE) {
        return address;
    }
    uint64_t code = (uint64_t)((access & ACCESS_KIND) == READ ? probe_read : probe_write);
    return access & ACCESS_USER ? (uint64_t)((int64_t)(user_p4_index << 55) >> 16) + (code & (PAGE_SIZE - 1)) : code;
}

static void perform(uint64_t address, uint64_t value, unsigned access, uint64_t user_p4_index) {
    probe_perform(address, value, entry_point(address, access, user_p4_index), access & ACCESS_USER,
        access & ACCESS_AC && !(access & ACCESS_USER) ? FLAGS_AC : 0);
}

// Did the access end where it should? What is executed is `mov $imm32, %eax; int3`: six bytes.
static bool succeeded(uint64_t address, unsigned access, uint64_t user_p4_index) {
    uint64_t length = (access & ACCESS_KIND) == EXECUTE ? 6 : (access & ACCESS_KIND) == READ ? probe_read_end - probe_read
        : probe_write_end - probe_write;
    return probe_machine.vector == VECTOR_BREAKPOINT
           && probe_machine.rip == entry_point(address, access, user_p4_index) + length;
}

// --- run(): combinations of entry bits, on a root of its own ---

#define SETTING_WP      1
#define SETTING_NXE     2
#define SETTING_SMEP    4
#define SETTING_SMAP    8
#define SETTING_PKE     16
#define ACCESSES_MAX    48
#define TOGGLES_MAX     24
#define SLICE_WORDS     4096

// What the caller packs: see Block in kernel/faults/probe.py.
typedef struct __attribute__((packed)) {
    uint64_t flags[LEVELS];     // entries of levels 1 to 4, without the addresses
    uint64_t value;             // what the frame holds at the address; its low 6 bytes are code
    uint16_t p4_index, p3_index, offset;
    uint16_t settings;
    uint32_t pkru;
    uint8_t accesses_count, toggles_count;
    uint8_t accesses[ACCESSES_MAX];
    uint8_t toggles[TOGGLES_MAX][2];    // level, bit: state n has it flipped when bit (its position here) of n is set
} block_t;

typedef struct {
    uint64_t cr0, cr3, cr4, efer, interrupts;
    table_register_t idtr;
} machine_before_t;

#define WORD_ERROR_BITS     0x3f
#define WORD_FAULT          (1 << 6)
#define WORD_ODD            (1 << 7)
#define WORD_ACCESSED_SHIFT 8
#define WORD_DIRTY_SHIFT    12

static uint16_t slice[SLICE_WORDS];

static const uint64_t *table_behind(const uint64_t *table, uint64_t index) {
    return table[index] & PRESENT ? window_pointer(table[index] & FRAME_MASK) : NULL;
}

// The 512 entries of 4 KiB pages that a level-2 entry stands for, without NX.
static void copy_pages(uint64_t *to, uint64_t entry) {
    const uint64_t *from = window_pointer(entry & FRAME_MASK);
    for (size_t i = 0; i < ENTRIES_PER_TABLE; i++) {
        uint64_t page = entry & HUGE ? (entry & ~HUGE) + i * PAGE_SIZE : from[i];
        to[i] = page & ~NO_EXECUTE;
    }
}

// The kernel image as the active tables have it, with NX taken out: with EFER.NXE off it would be a reserved bit.
static void build_root(const block_t *block) {
    memset(root, 0, sizeof root);
    root[KERNEL_P4_INDEX] = image_physical(image_p3) | PRESENT | WRITABLE | ACCESSED;
    image_p3[INDEX(KERNEL_BASE, 3)] = image_physical(image_p2) | PRESENT | WRITABLE | ACCESSED;
    const uint64_t *active = window_pointer(cr3_read() & FRAME_MASK);
    const uint64_t *p2 = table_behind(table_behind(active, KERNEL_P4_INDEX), INDEX(KERNEL_BASE, 3));
    for (size_t i = 0; i < KERNEL_IMAGE_TABLES; i++) {
        image_p2[i] = p2[i] & PRESENT ? image_physical(image_p1[i]) | PRESENT | WRITABLE | ACCESSED : 0;
        if (p2[i] & PRESENT) {
            copy_pages(image_p1[i], p2[i]);
        }
    }
    root[USER_P4_INDEX] = build_user_code();
    memset(test_p3, 0, sizeof test_p3);
    memset(test_p2, 0, sizeof test_p2);
    memset(test_p1, 0, sizeof test_p1);
    memset(target, 0, sizeof target);
    memcpy((char *)target + block->offset, &block->value, sizeof block->value);
}

static void pkru_write(uint32_t value) {
    __asm__ volatile (".byte 0x0f, 0x01, 0xef" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static uint64_t cr4_of(const block_t *block) {
    return (cr4_read() & ~(CR4_SMEP | CR4_SMAP | CR4_PKE)) | (block->settings & SETTING_SMEP ? CR4_SMEP : 0)
        | (block->settings & SETTING_SMAP ? CR4_SMAP : 0) | (block->settings & SETTING_PKE ? CR4_PKE : 0);
}

// PKRU is written even when the keys are then switched off: it has to be without effect.
static void enter_root(const block_t *block, machine_before_t *before) {
    before->interrupts = interrupts_disable();
    before->cr0 = cr0_read();
    before->cr3 = cr3_read();
    before->cr4 = cr4_read();
    before->efer = msr_read(EFER);
    build_root(block);
    cr3_write(image_physical(root));
    if (cpu_features.cr4_allowed & CR4_PKE) {
        cr4_write(before->cr4 | CR4_PKE);
        pkru_write(block->pkru);
    }
    cr4_write(cr4_of(block));
    msr_write(EFER, block->settings & SETTING_NXE ? before->efer | EFER_NXE : before->efer & ~EFER_NXE);
    cr0_write(block->settings & SETTING_WP ? before->cr0 | CR0_WP : before->cr0 & ~CR0_WP);
    cr3_write(image_physical(root));
    load_gates(&before->idtr);
}

static void leave_root(const machine_before_t *before) {
    restore_gates(&before->idtr);
    cr0_write(before->cr0);
    msr_write(EFER, before->efer);
    if (cpu_features.cr4_allowed & CR4_PKE) {
        cr4_write(before->cr4 | CR4_PKE);
        pkru_write(0);
    }
    cr4_write(before->cr4);
    cr3_write(before->cr3);
    interrupts_restore(before->interrupts);
}

// The address leads to `target` at every page size: its low 30 bits are the frame's.
static uint64_t address_of(const block_t *block) {
    uint64_t address = (uint64_t)block->p4_index << 39 | (uint64_t)block->p3_index << 30 | (image_physical(target) + block->offset);
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static void entries_of(const block_t *block, uint64_t state, uint64_t entries[LEVELS]) {
    const uint64_t next[LEVELS] = { image_physical(target), image_physical(test_p1), image_physical(test_p2), image_physical(test_p3) };
    memcpy(entries, block->flags, LEVELS * sizeof entries[0]);
    for (size_t i = 0; i < block->toggles_count; i++) {
        if (state >> i & 1) {
            entries[block->toggles[i][0] - 1] ^= 1UL << block->toggles[i][1];
        }
    }
    for (size_t level = 1; level <= LEVELS; level++) {
        bool huge = (level == 2 || level == 3) && entries[level - 1] & HUGE;
        entries[level - 1] ^= huge ? image_physical(target) & ~((1UL << (12 + 9 * (level - 1))) - 1) : next[level - 1];
    }
}

static uint16_t packed(const block_t *block, unsigned access, uint64_t address, const uint64_t before[LEVELS], uint64_t *const slots[LEVELS]) {
    const probe_machine_t *end = &probe_machine;
    volatile uint64_t *held = (uint64_t *)((char *)target + block->offset);
    bool fault = end->vector == VECTOR_PAGE_FAULT, success = succeeded(address, access, USER_P4_INDEX);
    unsigned kind = access & ACCESS_KIND;
    bool odd = fault ? end->cr2 != address || (end->error_code & ~(uint64_t)WORD_ERROR_BITS) != 0 : !success;
    odd |= success && kind == READ && end->value != block->value;
    odd |= success && kind == EXECUTE && end->value != (uint32_t)(block->value >> 8);
    odd |= *held != (success && kind == WRITE ? ~block->value : block->value);
    if (*held != block->value) {
        *held = block->value;
    }
    uint16_t word = (fault ? WORD_FAULT | (end->error_code & WORD_ERROR_BITS) : 0);
    for (size_t i = 0; i < LEVELS; i++) {
        uint64_t changed = before[i] ^ *(volatile uint64_t *)slots[i];
        odd |= (changed & ~(ACCESSED | (i < 3 ? DIRTY : 0))) != 0 || (changed & before[i]) != 0;
        word |= (changed & ACCESSED ? 1 << i : 0) << WORD_ACCESSED_SHIFT | (i < 3 && changed & DIRTY ? 1 << i : 0) << WORD_DIRTY_SHIFT;
    }
    return word | (odd ? WORD_ODD : 0);
}

static uint16_t run_case(const block_t *block, unsigned access, uint64_t address, const uint64_t entries[LEVELS]) {
    uint64_t *const slots[LEVELS] = { &test_p1[INDEX(address, 1)], &test_p2[INDEX(address, 2)], &test_p3[INDEX(address, 3)], &root[INDEX(address, 4)] };
    for (size_t i = 0; i < LEVELS; i++) {
        volatile uint64_t *slot = slots[i];
        if (*slot != entries[i]) {
            *slot = entries[i];
        }
    }
    page_invalidate(address);
    if (access & ACCESS_PRIMED) {
        perform(address, 0, READ | (access & ACCESS_AC), USER_P4_INDEX);
    }
    perform(address, ~block->value, access, USER_P4_INDEX);
    return packed(block, access, address, entries, slots);
}

static void run_slice(const block_t *block, uint64_t first_state, uint64_t states) {
    machine_before_t before;
    uint64_t address = address_of(block), entries[LEVELS];
    uint16_t *out = slice;
    enter_root(block, &before);
    for (uint64_t state = first_state; state < first_state + states; state++) {
        entries_of(block, state, entries);
        for (size_t i = 0; i < block->accesses_count; i++) {
            *out++ = run_case(block, block->accesses[i], address, entries);
        }
    }
    leave_root(&before);
}

static NORETURN_FUNCTION void refuse_block(const char *reason) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("block: %s"), reason);
}

static void get_block(mp_obj_t bytes, block_t *block) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(bytes, &buffer, MP_BUFFER_READ);
    if (buffer.len != sizeof *block) {
        refuse_block("wrong length");
    }
    memcpy(block, buffer.buf, sizeof *block);
    if (block->accesses_count == 0 || block->accesses_count > ACCESSES_MAX || block->toggles_count > TOGGLES_MAX) {
        refuse_block("1 to 48 accesses, 0 to 24 toggles");
    }
    for (size_t i = 0; i < block->accesses_count; i++) {
        if ((block->accesses[i] & ACCESS_KIND) > EXECUTE || block->accesses[i] > 31) {
            refuse_block("no such access");
        }
    }
    for (size_t i = 0; i < block->toggles_count; i++) {
        if (block->toggles[i][0] < 1 || block->toggles[i][0] > LEVELS || block->toggles[i][1] > 63) {
            refuse_block("toggles are (level 1 to 4, bit 0 to 63)");
        }
    }
    if (block->p4_index > 511 || block->p4_index == USER_P4_INDEX || block->p4_index == KERNEL_P4_INDEX || block->p3_index > 511) {
        refuse_block("level-4 index 2 and 511 are taken");
    }
    if (block->offset > PAGE_SIZE - sizeof block->value || (block->value & 0xff) != 0xb8 || (block->value >> 40 & 0xff) != 0xcc) {
        refuse_block("offset at most 4088, value 0x....cc........b8");
    }
    if (!cpu_cr4_is_valid(cr4_of(block))) {
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
    const uint64_t per_slice = SLICE_WORDS / block.accesses_count;
    for (uint64_t done = 0; done < wanted;) {
        uint64_t now = wanted - done < per_slice ? wanted - done : per_slice;
        run_slice(&block, first + done, now);
        size_t length = now * block.accesses_count * sizeof(uint16_t);
        memcpy((char *)out.buf + done * block.accesses_count * sizeof(uint16_t), slice, length);
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
#define CR4_PGE         (1UL << 7)

typedef struct { uint64_t words[STEP_WORDS]; } step_t;
typedef struct { uint64_t vector, error_code, cr2, value; bool success; } outcome_t;
static step_t steps[STEPS_MAX];
static outcome_t outcomes[STEPS_MAX];

static void get_access_step(const mp_obj_t *items, step_t *step) {
    step->words[1] = native_get_below(items[1], 32, "access");
    step->words[2] = native_get_u64(items[2]);
    step->words[3] = native_get_u64(items[3]);
    if ((step->words[1] & ACCESS_KIND) > EXECUTE) {
        mp_raise_ValueError(MP_ERROR_TEXT("access: 0 read, 1 write, 2 execute"));
    }
}

static void get_entry_step(const mp_obj_t *items, step_t *step) {
    uint64_t flags = native_get_below(items[4], 1UL << 24, "flags");
    step->words[1] = native_get_page(items[1]);
    step->words[2] = native_get_below(items[2], ENTRIES_PER_TABLE, "index");
    step->words[3] = native_get_below(items[3], 1UL << 40, "frame") << 12 | (flags & 0xfff) | (flags >> 12) << 52;
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

static void do_step(const step_t *step, outcome_t *outcome, uint64_t user_p4_index) {
    const uint64_t *words = step->words;
    switch (words[0]) {
        case STEP_ACCESS:
            perform(words[2], words[3], words[1], user_p4_index);
            *outcome = (outcome_t) { probe_machine.vector, probe_machine.error_code, probe_machine.cr2, probe_machine.value,
                succeeded(words[2], words[1], user_p4_index) };
            break;
        case STEP_ENTRY: ((volatile uint64_t *)words[1])[words[2]] = words[3]; break;
        case STEP_INVALIDATE: page_invalidate(words[1]); break;
        case STEP_FLUSH: cr3_write(cr3_read()); break;
        case STEP_FLUSH_GLOBAL: flush_global(); break;
        case STEP_WRITE_PROTECT: cr0_write(words[1] ? cr0_read() | CR0_WP : cr0_read() & ~CR0_WP); break;
    }
}

// Ring 3's code needs a level-4 slot of the active root for as long as the sequence takes; a new entry needs no flush.
static uint64_t borrow_user_slot(size_t count) {
    volatile uint64_t *active = window_pointer(cr3_read() & FRAME_MASK);
    for (size_t i = 0; i < count; i++) {
        for (uint64_t slot = 255; steps[i].words[0] == STEP_ACCESS && steps[i].words[1] & ACCESS_USER && slot > 0; slot--) {
            if (active[slot] == 0) {
                active[slot] = build_user_code();
                return slot;
            }
        }
    }
    return 0;
}

static void return_user_slot(uint64_t slot) {
    if (slot != 0) {
        ((volatile uint64_t *)window_pointer(cr3_read() & FRAME_MASK))[slot] = 0;
        page_invalidate(slot << 39);
    }
}

static void do_steps(size_t count) {
    table_register_t idtr;
    uint64_t interrupts = interrupts_disable(), cr0 = cr0_read();
    uint64_t slot = borrow_user_slot(count);
    load_gates(&idtr);
    for (size_t i = 0; i < count; i++) {
        do_step(&steps[i], &outcomes[i], slot);
    }
    cr0_write(cr0);
    restore_gates(&idtr);
    return_user_slot(slot);
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

static const mp_rom_map_elem_t probe_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__probe) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&probe_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_last), MP_ROM_PTR(&probe_last_obj) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&probe_call_obj) },
    { MP_ROM_QSTR(MP_QSTR_sequence), MP_ROM_PTR(&probe_sequence_obj) },
};
static MP_DEFINE_CONST_DICT(probe_globals, probe_globals_table);
const mp_obj_module_t probe_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&probe_globals };
MP_REGISTER_MODULE(MP_QSTR__probe, probe_module);
