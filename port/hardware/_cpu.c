// `_cpu`: one function per act of the processor. Contracts: port/typings/_cpu.pyi.
// In C because each is an instruction that no Python has.
#include "port/hardware/cpu.h"
#include "port/hardware/descriptors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/machine.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

NATIVE_0(cpu_read_cr0) { return native_new_u64(cr0_read()); }
NATIVE_0(cpu_read_cr2) { return native_new_u64(cr2_read()); }
NATIVE_0(cpu_read_cr3) { return native_new_u64(cr3_read()); }
NATIVE_0(cpu_read_cr4) { return native_new_u64(cr4_read()); }

static mp_obj_t write_register(const char *name, mp_obj_t value_in, bool (*is_valid)(uint64_t), void (*write)(uint64_t)) {
    uint64_t value = native_get_u64(value_in);
    if (!is_valid(value)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s = 0x%x%08x is not valid on this CPU"), name,
            (unsigned)(value >> 32), (unsigned)value);
    }
    write(value);
    return mp_const_none;
}

NATIVE_1(cpu_write_cr0, value) { return write_register("CR0", value, cpu_cr0_is_valid, cr0_write); }
NATIVE_1(cpu_write_cr3, value) { return write_register("CR3", value, cpu_cr3_is_valid, cr3_write); }
NATIVE_1(cpu_write_cr4, value) { return write_register("CR4", value, cpu_cr4_is_valid, cr4_write); }
NATIVE_0(cpu_read_root_frame) { return MP_OBJ_NEW_SMALL_INT(frame_of_entry(cr3_read())); }

// The low flags of CR3 (write-through, cache-disable) are kept.
NATIVE_1(cpu_write_root_frame, frame) {
    cr3_write(native_get_frame(frame) | (cr3_read() & (CR3_PWT | CR3_PCD)));
    return mp_const_none;
}

NATIVE_1(cpu_invlpg, page) {
    page_invalidate(native_get_page(page));
    return mp_const_none;
}

// invalidate(page, count, step): one invlpg for each `step` of `count` pages; how many that were.
NATIVE_3(cpu_invalidate, page, count_in, step_in) {
    uint64_t address = native_get_page(page), count = native_get_below(count_in, 1UL << 52, "count"), done = 0;
    uint64_t step = native_get_below(step_in, 1UL << 52, "step"), invalidated = 0;
    for (; done < count && step != 0; done += step, invalidated++) {
        page_invalidate(address + (done << 12));
    }
    return MP_OBJ_NEW_SMALL_INT(invalidated);
}

NATIVE_0(cpu_flush) {
    cr3_write(cr3_read());
    return mp_const_none;
}

// Changing CR4.PGE invalidates everything, global entries too (SDM, "Invalidation of TLBs and Paging-Structure Caches").
NATIVE_0(cpu_flush_global) {
    uint64_t value = cr4_read();
    cr4_write(value ^ CR4_PGE);
    cr4_write(value);
    return mp_const_none;
}

NATIVE_BETWEEN(cpu_cpuid, 1, 2, count, arguments) {
    uint32_t out[4];
    uint32_t leaf = native_get_below(arguments[0], 1UL << 32, "leaf");
    uint32_t subleaf = count > 1 ? native_get_below(arguments[1], 1UL << 32, "subleaf") : 0;
    cpuid_read(leaf, subleaf, out);
    return NATIVE_NUMBERS(out[0], out[1], out[2], out[3]);
}

NATIVE_1(cpu_read_msr, msr) { return native_new_u64(msr_read(native_get_below(msr, 1UL << 32, "MSR"))); }

NATIVE_2(cpu_write_msr, msr_in, value_in) {
    uint64_t msr = native_get_below(msr_in, 1UL << 32, "MSR"), value = native_get_u64(value_in);
    msr_write(msr, value);
    if (msr == MSR_PKRS) {
        keys.rights = keys.held = value;
    }
    return mp_const_none;
}

// open_user_pages(on): EFLAGS.AC, until it is called again or something faults. Whether they were; nothing without SMAP.
NATIVE_1(cpu_open_user_pages, on) {
    uint64_t flags = flags_read();
    if (cpu_features.user_pages_kept_off) {
        mp_obj_is_true(on) ? user_pages_open() : user_pages_close();
    }
    return mp_obj_new_bool(flags & FLAGS_AC);
}

NATIVE_0(cpu_read_flags) { return MP_OBJ_NEW_SMALL_INT(flags_read()); }

// Where the interrupt descriptor table lies, and its last byte's offset.
NATIVE_0(cpu_read_idt) {
    const table_register_t idtr = gates_read();
    return NATIVE_NUMBERS(idtr.base, idtr.limit);
}

NATIVE_2(cpu_port_read, port_in, bits) {
    uint16_t port = native_get_below(port_in, 0x10000, "port");
    switch (mp_obj_get_int(bits)) {
        case 8: return MP_OBJ_NEW_SMALL_INT(port_read_8(port));
        case 16: return MP_OBJ_NEW_SMALL_INT(port_read_16(port));
        case 32: return MP_OBJ_NEW_SMALL_INT(port_read_32(port));
    }
    mp_raise_ValueError(MP_ERROR_TEXT("a port has 8, 16 or 32 bits"));
}

NATIVE_3(cpu_port_write, port_in, bits, value) {
    uint16_t port = native_get_below(port_in, 0x10000, "port");
    switch (mp_obj_get_int(bits)) {
        case 8: port_write_8(port, native_get_below(value, 1UL << 8, "value")); return mp_const_none;
        case 16: port_write_16(port, native_get_below(value, 1UL << 16, "value")); return mp_const_none;
        case 32: port_write_32(port, native_get_below(value, 1UL << 32, "value")); return mp_const_none;
    }
    mp_raise_ValueError(MP_ERROR_TEXT("a port has 8, 16 or 32 bits"));
}

NATIVE_0(cpu_physical_bits) { return MP_OBJ_NEW_SMALL_INT(cpu_features.physical_bits); }
NATIVE_0(cpu_paging_levels) { return MP_OBJ_NEW_SMALL_INT(paging_levels()); }

// Hold and release the processor's interrupts; for tests of what must not be raised out of.
NATIVE_1(cpu_interrupts, on) {
    uint64_t flags = interrupts_disable();
    if (mp_obj_is_true(on)) {
        interrupts_enable();
    }
    return mp_obj_new_bool(flags & FLAGS_INTERRUPT);
}

NATIVE_1(cpu_exit, value) {
    machine_exit(native_get_below(value, 128, "exit value"));
}

NATIVE_MODULE(cpu,
    NATIVE(cpu, read_cr0), NATIVE(cpu, read_cr2), NATIVE(cpu, read_cr3), NATIVE(cpu, read_cr4),
    NATIVE(cpu, write_cr0), NATIVE(cpu, write_cr3), NATIVE(cpu, write_cr4), NATIVE(cpu, read_root_frame),
    NATIVE(cpu, write_root_frame), NATIVE(cpu, invlpg), NATIVE(cpu, invalidate), NATIVE(cpu, flush),
    NATIVE(cpu, flush_global), NATIVE(cpu, cpuid), NATIVE(cpu, read_msr), NATIVE(cpu, write_msr),
    NATIVE(cpu, read_flags), NATIVE(cpu, open_user_pages), NATIVE(cpu, read_idt), NATIVE(cpu, port_read), NATIVE(cpu, port_write),
    NATIVE(cpu, physical_bits), NATIVE(cpu, paging_levels), NATIVE(cpu, interrupts), NATIVE(cpu, exit));
