// The processor's instructions that C code of the port shares. One function per hardware act.
#pragma once
#include <stdint.h>
#include "port/hardware/registers.h"

static inline void port_write_8(uint16_t port, uint8_t value) { __asm__ volatile ("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void port_write_16(uint16_t port, uint16_t value) { __asm__ volatile ("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline void port_write_32(uint16_t port, uint32_t value) { __asm__ volatile ("outl %0, %1" : : "a"(value), "Nd"(port)); }
static inline uint8_t port_read_8(uint16_t port) { uint8_t value; __asm__ volatile ("inb %1, %0" : "=a"(value) : "Nd"(port)); return value; }
static inline uint16_t port_read_16(uint16_t port) { uint16_t value; __asm__ volatile ("inw %1, %0" : "=a"(value) : "Nd"(port)); return value; }
static inline uint32_t port_read_32(uint16_t port) { uint32_t value; __asm__ volatile ("inl %1, %0" : "=a"(value) : "Nd"(port)); return value; }

#define READ_CONTROL(n) static inline uint64_t cr##n##_read(void) { uint64_t value; __asm__ volatile ("mov %%cr" #n ", %0" : "=r"(value) : : "memory"); return value; }
#define WRITE_CONTROL(n) static inline void cr##n##_write(uint64_t value) { __asm__ volatile ("mov %0, %%cr" #n : : "r"(value) : "memory"); }
READ_CONTROL(0) READ_CONTROL(2) READ_CONTROL(3) READ_CONTROL(4)
WRITE_CONTROL(0) WRITE_CONTROL(2) WRITE_CONTROL(3) WRITE_CONTROL(4)

static inline uint64_t msr_read(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile ("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}
static inline void msr_write(uint32_t msr, uint64_t value) {
    __asm__ volatile ("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline void cpuid_read(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    __asm__ volatile ("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}
static inline uint64_t tsc_read(void) {
    uint32_t low, high;
    __asm__ volatile ("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}
// `count` elements upwards, each by one load and one store of its `size`, 1, 2, 4 or 8 bytes: devices notice.
static inline void elements_copy(void *to, const void *from, uint64_t count, uint32_t size) {
    switch (size) {
        case 1: __asm__ volatile ("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
        case 2: __asm__ volatile ("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
        case 4: __asm__ volatile ("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
        default: __asm__ volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory"); break;
    }
}
// Let the kernel touch user pages although CR4.SMAP keeps it off them (EFLAGS.AC), and not any more. For CPUs that have SMAP.
static inline void user_pages_open(void) { __asm__ volatile ("stac" : : : "memory", "cc"); }
static inline void user_pages_close(void) { __asm__ volatile ("clac" : : : "memory", "cc"); }
static inline void page_invalidate(uint64_t address) { __asm__ volatile ("invlpg (%0)" : : "r"(address) : "memory"); }
static inline void processor_pause(void) { __asm__ volatile ("pause"); }

static inline uint64_t flags_read(void) {
    uint64_t flags;
    __asm__ volatile ("pushfq; pop %0" : "=r"(flags) : : "memory");
    return flags;
}
static inline uint64_t interrupts_disable(void) {
    uint64_t flags;
    __asm__ volatile ("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}
static inline void interrupts_enable(void) { __asm__ volatile ("sti" : : : "memory"); }
static inline void interrupts_restore(uint64_t flags) { if (flags & FLAGS_INTERRUPT) { interrupts_enable(); } }
// Sleep with interrupts on; atomic: an interrupt between the check (done with interrupts off) and hlt still wakes.
static inline void interrupts_wait(void) { __asm__ volatile ("sti; hlt; cli" : : : "memory"); }
