// `_cpu`: one function per act of the processor. Contracts: port/typings/_cpu.pyi.
// In C because each is an instruction that no Python has.
#include "port/hardware/cpu.h"
#include "port/hardware/descriptors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/machine.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

static mp_obj_t cpu_read_cr0(void) { return native_new_u64(cr0_read()); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_cr0_obj, cpu_read_cr0);
static mp_obj_t cpu_read_cr2(void) { return native_new_u64(cr2_read()); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_cr2_obj, cpu_read_cr2);
static mp_obj_t cpu_read_cr3(void) { return native_new_u64(cr3_read()); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_cr3_obj, cpu_read_cr3);
static mp_obj_t cpu_read_cr4(void) { return native_new_u64(cr4_read()); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_cr4_obj, cpu_read_cr4);

static NORETURN void refuse_value(const char *name, uint64_t value) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s = 0x%x%08x is not valid on this CPU"), name, (unsigned)(value >> 32), (unsigned)value);
}

static mp_obj_t cpu_write_cr0(mp_obj_t value_in) {
    uint64_t value = native_get_u64(value_in);
    if (!cpu_cr0_is_valid(value)) {
        refuse_value("CR0", value);
    }
    cr0_write(value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_write_cr0_obj, cpu_write_cr0);

static mp_obj_t cpu_write_cr3(mp_obj_t value_in) {
    uint64_t value = native_get_u64(value_in);
    if (!cpu_cr3_is_valid(value)) {
        refuse_value("CR3", value);
    }
    cr3_write(value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_write_cr3_obj, cpu_write_cr3);

static mp_obj_t cpu_write_cr4(mp_obj_t value_in) {
    uint64_t value = native_get_u64(value_in);
    if (!cpu_cr4_is_valid(value)) {
        refuse_value("CR4", value);
    }
    cr4_write(value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_write_cr4_obj, cpu_write_cr4);

static mp_obj_t cpu_read_root_frame(void) { return MP_OBJ_NEW_SMALL_INT(frame_of_entry(cr3_read())); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_root_frame_obj, cpu_read_root_frame);

// The low flags of CR3 (write-through, cache-disable) are kept.
static mp_obj_t cpu_write_root_frame(mp_obj_t frame) {
    cr3_write(native_get_frame(frame) | (cr3_read() & (CR3_PWT | CR3_PCD)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_write_root_frame_obj, cpu_write_root_frame);

static mp_obj_t cpu_invlpg(mp_obj_t page) {
    page_invalidate(native_get_page(page));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_invlpg_obj, cpu_invlpg);

// invalidate(page, count, step): one invlpg for each `step` of `count` pages; how many that were.
static mp_obj_t cpu_invalidate(mp_obj_t page, mp_obj_t count_in, mp_obj_t step_in) {
    uint64_t address = native_get_page(page), count = native_get_below(count_in, 1UL << 52, "count"), done = 0;
    uint64_t step = native_get_below(step_in, 1UL << 52, "step"), invalidated = 0;
    for (; done < count && step != 0; done += step, invalidated++) {
        page_invalidate(address + (done << 12));
    }
    return MP_OBJ_NEW_SMALL_INT(invalidated);
}
static MP_DEFINE_CONST_FUN_OBJ_3(cpu_invalidate_obj, cpu_invalidate);

static mp_obj_t cpu_flush(void) {
    cr3_write(cr3_read());
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_flush_obj, cpu_flush);

// Changing CR4.PGE invalidates everything, global entries too (SDM, "Invalidation of TLBs and Paging-Structure Caches").
static mp_obj_t cpu_flush_global(void) {
    uint64_t value = cr4_read();
    cr4_write(value ^ CR4_PGE);
    cr4_write(value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_flush_global_obj, cpu_flush_global);

static mp_obj_t cpu_cpuid(size_t count, const mp_obj_t *arguments) {
    uint32_t out[4];
    uint32_t leaf = native_get_below(arguments[0], 1UL << 32, "leaf");
    uint32_t subleaf = count > 1 ? native_get_below(arguments[1], 1UL << 32, "subleaf") : 0;
    cpuid_read(leaf, subleaf, out);
    mp_obj_t items[4];
    for (size_t i = 0; i < 4; i++) {
        items[i] = MP_OBJ_NEW_SMALL_INT(out[i]);
    }
    return mp_obj_new_tuple(4, items);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(cpu_cpuid_obj, 1, 2, cpu_cpuid);

static mp_obj_t cpu_read_msr(mp_obj_t msr) {
    return native_new_u64(msr_read(native_get_below(msr, 1UL << 32, "MSR")));
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_read_msr_obj, cpu_read_msr);

static mp_obj_t cpu_write_msr(mp_obj_t msr, mp_obj_t value) {
    msr_write(native_get_below(msr, 1UL << 32, "MSR"), native_get_u64(value));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(cpu_write_msr_obj, cpu_write_msr);

static mp_obj_t cpu_read_flags(void) {
    uint64_t flags;
    __asm__ volatile ("pushfq; pop %0" : "=r"(flags));
    return MP_OBJ_NEW_SMALL_INT(flags);
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_flags_obj, cpu_read_flags);

// Where the interrupt descriptor table lies, and its last byte's offset.
static mp_obj_t cpu_read_idt(void) {
    const table_register_t idtr = gates_read();
    mp_obj_t items[] = { native_new_u64(idtr.base), MP_OBJ_NEW_SMALL_INT(idtr.limit) };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_read_idt_obj, cpu_read_idt);

static mp_obj_t cpu_port_read(mp_obj_t port_in, mp_obj_t bits) {
    uint16_t port = native_get_below(port_in, 0x10000, "port");
    switch (mp_obj_get_int(bits)) {
        case 8: return MP_OBJ_NEW_SMALL_INT(port_read_8(port));
        case 16: return MP_OBJ_NEW_SMALL_INT(port_read_16(port));
        case 32: return MP_OBJ_NEW_SMALL_INT(port_read_32(port));
    }
    mp_raise_ValueError(MP_ERROR_TEXT("a port has 8, 16 or 32 bits"));
}
static MP_DEFINE_CONST_FUN_OBJ_2(cpu_port_read_obj, cpu_port_read);

static mp_obj_t cpu_port_write(mp_obj_t port_in, mp_obj_t bits, mp_obj_t value) {
    uint16_t port = native_get_below(port_in, 0x10000, "port");
    switch (mp_obj_get_int(bits)) {
        case 8: port_write_8(port, native_get_below(value, 1UL << 8, "value")); return mp_const_none;
        case 16: port_write_16(port, native_get_below(value, 1UL << 16, "value")); return mp_const_none;
        case 32: port_write_32(port, native_get_below(value, 1UL << 32, "value")); return mp_const_none;
    }
    mp_raise_ValueError(MP_ERROR_TEXT("a port has 8, 16 or 32 bits"));
}
static MP_DEFINE_CONST_FUN_OBJ_3(cpu_port_write_obj, cpu_port_write);

static mp_obj_t cpu_physical_bits(void) { return MP_OBJ_NEW_SMALL_INT(cpu_features.physical_bits); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_physical_bits_obj, cpu_physical_bits);

static mp_obj_t cpu_paging_levels(void) { return MP_OBJ_NEW_SMALL_INT(paging_levels()); }
static MP_DEFINE_CONST_FUN_OBJ_0(cpu_paging_levels_obj, cpu_paging_levels);

// Hold and release the processor's interrupts; for tests of what must not be raised out of.
static mp_obj_t cpu_interrupts(mp_obj_t on) {
    uint64_t flags = interrupts_disable();
    if (mp_obj_is_true(on)) {
        interrupts_enable();
    }
    return mp_obj_new_bool(flags & FLAGS_INTERRUPT);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_interrupts_obj, cpu_interrupts);

static mp_obj_t cpu_exit(mp_obj_t value) {
    machine_exit(native_get_below(value, 128, "exit value"));
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_exit_obj, cpu_exit);

static const mp_rom_map_elem_t cpu_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__cpu) },
    { MP_ROM_QSTR(MP_QSTR_read_cr0), MP_ROM_PTR(&cpu_read_cr0_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_cr2), MP_ROM_PTR(&cpu_read_cr2_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_cr3), MP_ROM_PTR(&cpu_read_cr3_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_cr4), MP_ROM_PTR(&cpu_read_cr4_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_cr0), MP_ROM_PTR(&cpu_write_cr0_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_cr3), MP_ROM_PTR(&cpu_write_cr3_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_cr4), MP_ROM_PTR(&cpu_write_cr4_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_root_frame), MP_ROM_PTR(&cpu_read_root_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_root_frame), MP_ROM_PTR(&cpu_write_root_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_invlpg), MP_ROM_PTR(&cpu_invlpg_obj) },
    { MP_ROM_QSTR(MP_QSTR_invalidate), MP_ROM_PTR(&cpu_invalidate_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&cpu_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush_global), MP_ROM_PTR(&cpu_flush_global_obj) },
    { MP_ROM_QSTR(MP_QSTR_cpuid), MP_ROM_PTR(&cpu_cpuid_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_msr), MP_ROM_PTR(&cpu_read_msr_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_msr), MP_ROM_PTR(&cpu_write_msr_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_flags), MP_ROM_PTR(&cpu_read_flags_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_idt), MP_ROM_PTR(&cpu_read_idt_obj) },
    { MP_ROM_QSTR(MP_QSTR_port_read), MP_ROM_PTR(&cpu_port_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_port_write), MP_ROM_PTR(&cpu_port_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_physical_bits), MP_ROM_PTR(&cpu_physical_bits_obj) },
    { MP_ROM_QSTR(MP_QSTR_paging_levels), MP_ROM_PTR(&cpu_paging_levels_obj) },
    { MP_ROM_QSTR(MP_QSTR_interrupts), MP_ROM_PTR(&cpu_interrupts_obj) },
    { MP_ROM_QSTR(MP_QSTR_exit), MP_ROM_PTR(&cpu_exit_obj) },
};
static MP_DEFINE_CONST_DICT(cpu_globals, cpu_globals_table);
const mp_obj_module_t cpu_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&cpu_globals };
MP_REGISTER_MODULE(MP_QSTR__cpu, cpu_module);
