// The processor's own tables and modes: features, control registers, GDT, TSS, stacks.
// Intel SDM volume 3, "Protected-Mode and 64-Bit Mode Data Structures", "Control Registers", "Task Management".
#include <string.h>
#include "boot/layout.h"
#include "port/hardware/cpu.h"
#include "port/hardware/descriptors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/stacks.h"

#define STACK __attribute__((section(".bss.stacks"), aligned(4096)))
kernel_stack_t kernel_stack STACK;
fault_stack_t page_fault_stack STACK, double_fault_stack STACK, non_maskable_stack STACK, interrupt_stack STACK;
char *const stack_guards[] = { kernel_stack.guard, page_fault_stack.guard, double_fault_stack.guard, non_maskable_stack.guard, interrupt_stack.guard };
const size_t stack_guards_count = sizeof(stack_guards) / sizeof(stack_guards[0]);

stack_in_use_t stack_in_use = { (uint64_t)kernel_stack.body, (uint64_t)STACK_TOP(kernel_stack) };

cpu_features_t cpu_features;

static void read_features(void) {
    uint32_t out[4];
    cpu_features_t *f = &cpu_features;
    cpuid_read(0, 0, out);
    uint32_t last = out[0];
    cpuid_read(1, 0, out);
    f->features_1_ecx = out[2];
    f->features_1_edx = out[3];
    if (last >= 7) {
        cpuid_read(7, 0, out);
        f->features_7_ebx = out[1];
        f->features_7_ecx = out[2];
        f->features_7_edx = out[3];
    }
    cpuid_read(0x80000000, 0, out);
    uint32_t last_extended = out[0];
    cpuid_read(0x80000001, 0, out);
    f->extended_edx = out[3];
    f->gigabyte_pages = out[3] >> 26 & 1;
    f->supervisor_keys = f->features_7_ecx >> 31 & 1;
    f->user_pages_kept_off = f->features_7_ebx >> 20 & 1;
    f->physical_bits = 36;
    if (last_extended >= 0x80000008) {
        cpuid_read(0x80000008, 0, out);
        f->physical_bits = out[0] & 0xff;
    }
    f->cr4_allowed = CR4_ALWAYS
        | (f->features_7_ecx >> 2 & 1 ? CR4_UMIP : 0) | (f->features_7_ecx >> 16 & 1 ? CR4_LA57 : 0)
        | (f->features_7_ebx >> 0 & 1 ? CR4_FSGSBASE : 0) | (f->features_1_ecx >> 17 & 1 ? CR4_PCIDE : 0)
        | (f->features_1_ecx >> 26 & 1 ? CR4_OSXSAVE : 0) | (f->features_7_ebx >> 7 & 1 ? CR4_SMEP : 0)
        | (f->features_7_ebx >> 20 & 1 ? CR4_SMAP : 0) | (f->features_7_ecx >> 3 & 1 ? CR4_PKE : 0)
        | (f->features_7_ecx >> 31 & 1 ? CR4_PKS : 0);
}

// PE and PG stay on: without them there is no kernel to come back to. NW without CD is #GP.
bool cpu_cr0_is_valid(uint64_t value) {
    const uint64_t needed = CR0_PE | CR0_PG;
    return (value & ~CR0_DEFINED) == 0 && (value & needed) == needed && (value & (CR0_NW | CR0_CD)) != CR0_NW;
}

bool cpu_cr3_is_valid(uint64_t value) {
    return (value & CR3_LOW_BITS & ~(CR3_PWT | CR3_PCD)) == 0 && value >> cpu_features.physical_bits == 0;
}

bool cpu_cr4_is_valid(uint64_t value) {
    bool paging_kept = (value & CR4_PAE) != 0 && ((value ^ cr4_read()) & CR4_LA57) == 0;
    return (value & ~cpu_features.cr4_allowed) == 0 && paging_kept;
}

static descriptor_tables_t tables;

void descriptor_tables_load(descriptor_tables_t *tables) {
    uint64_t base = (uint64_t)&tables->task;
    const uint64_t segments[] = {
        0,
        0x00af9b000000ffff, // SELECTOR_KERNEL_CODE
        0x00cf93000000ffff, // SELECTOR_KERNEL_DATA
        0x00cff3000000ffff, // SELECTOR_USER_DATA
        0x00affb000000ffff, // SELECTOR_USER_CODE
        (sizeof tables->task - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56,     // SELECTOR_TASK
        base >> 32,
    };
    memcpy(tables->segments, segments, sizeof segments);
    tables->task.io_map = sizeof tables->task;
    table_register_t gdtr = { sizeof tables->segments - 1, (uint64_t)tables->segments };
    __asm__ volatile (
        "lgdt %0\n"
        "pushq %1\n leaq 1f(%%rip), %%rax\n pushq %%rax\n lretq\n 1:\n"
        "mov %2, %%ds\n mov %2, %%es\n mov %2, %%ss\n ltr %w3\n"
        : : "m"(gdtr), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(SELECTOR_TASK) : "rax", "memory");
}

static void load_descriptors(void) {
    task_state_t *task = &tables.task;
    task->ring_stack[0] = (uint64_t)STACK_TOP(page_fault_stack);
    task->interrupt_stack[IST_PAGE_FAULT - 1] = (uint64_t)STACK_TOP(page_fault_stack);
    task->interrupt_stack[IST_DOUBLE_FAULT - 1] = (uint64_t)STACK_TOP(double_fault_stack);
    task->interrupt_stack[IST_NON_MASKABLE - 1] = (uint64_t)STACK_TOP(non_maskable_stack);
    task->interrupt_stack[IST_INTERRUPT - 1] = (uint64_t)STACK_TOP(interrupt_stack);
    descriptor_tables_load(&tables);
}

void cpu_init(void) {
    read_features();
    load_descriptors();
    uint64_t wanted = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE | CR4_UMIP | CR4_SMEP | CR4_SMAP | CR4_PKS;
    cr4_write((cr4_read() & cpu_features.cr4_allowed) | (wanted & cpu_features.cr4_allowed));
}
