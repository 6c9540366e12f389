// The processor instructions and ports that C code of the port shares. One function per hardware act.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#define NORETURN_FUNCTION __attribute__((noreturn))
#define FLAGS_INTERRUPT (1UL << 9)

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
static inline void page_invalidate(uint64_t address) { __asm__ volatile ("invlpg (%0)" : : "r"(address) : "memory"); }
static inline void processor_pause(void) { __asm__ volatile ("pause"); }

static inline uint64_t interrupts_disable(void) {
    uint64_t flags;
    __asm__ volatile ("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}
static inline void interrupts_enable(void) { __asm__ volatile ("sti" : : : "memory"); }
static inline void interrupts_restore(uint64_t flags) { if (flags & FLAGS_INTERRUPT) { interrupts_enable(); } }
// Sleep with interrupts on; atomic: an interrupt between the check (done with interrupts off) and hlt still wakes.
static inline void interrupts_wait(void) { __asm__ volatile ("sti; hlt; cli" : : : "memory"); }

// port/cpu.c: what CPUID says of this CPU, read once, and the descriptor tables.
typedef struct {
    uint32_t features_1_ecx, features_1_edx, features_7_ebx, features_7_ecx, features_7_edx, extended_edx;
    uint8_t physical_bits;
    uint64_t cr4_allowed;   // bits of CR4 that this CPU defines
    bool gigabyte_pages;
} cpu_features_t;
extern cpu_features_t cpu_features;
void cpu_init(void);
bool cpu_cr3_is_valid(uint64_t value);
bool cpu_cr4_is_valid(uint64_t value);

// port/uart.c
void uart_init(void);
void uart_interrupt(void);
int uart_receive(void);             // -1 when nothing is there
bool uart_received(void);
void uart_take_early_interrupt(void);
void uart_send(const char *text, size_t length);
uint64_t uart_overruns(void);

// port/clock.c
void clock_init(void);
void clock_interrupt(void);
void clock_wake_after_us(uint64_t us);
void clock_wait_for_interrupt(long timeout_ms);

// port/panic.c
void log_send(const char *text, size_t length);
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
NORETURN_FUNCTION void machine_exit(uint32_t code);
NORETURN_FUNCTION void machine_reboot(void);
NORETURN_FUNCTION void boot_refuse(const char *reason);
NORETURN_FUNCTION void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// port/modules/_mappings.c: the last changes of mappings, into the log.
void mapper_events_print(void);

// port/boot_tables.c
void boot_tables_build(void);
void boot_tables_activate(void);
extern uint64_t boot_tables_root;   // physical address
extern uint64_t window_bytes;       // how much of physical memory the window shows, in these tables

// port/early_frames.c: frames handed out before there is an allocator; they stay taken for ever.
uint64_t early_frame_allocate(void);
#define EARLY_RUNS_MAX 32
typedef struct { uint64_t first_frame, count; } frame_run_t;
extern frame_run_t early_runs[EARLY_RUNS_MAX];
extern size_t early_runs_count;

// port/emitted_code.c
void emitted_code_reset(void);
bool emitted_code_contains(uint64_t address);
size_t emitted_code_used(void);

// port/safe_point.c
void safe_point_request(void);
void safe_point_reset(void);

// port/modules/view_function.c: is this address in the section that as_func()'s functions called last?
bool called_code_contains(uint64_t address);

// port/names.c
void names_spread(void);

// port/critical.c
// RecursionError unless there is stack left for what a guarded stretch may call; nothing when a guard is held.
void critical_require_room(void);
void critical_hold(void);
void critical_release(void);
bool critical_is_held(void);
void critical_hold_interrupt(void);
void critical_reset(void);

// Linker symbols (boot/kernel.ld).
extern char __image_start[], __image_end[], __boot_end[], __text_start[], __text_end[], __frozen_code_start[], __frozen_code_end[],
    __rodata_start[], __rodata_end[], __data_start[], __data_end[], __emitted_start[], __emitted_end[], __tables_end[];

static inline uint64_t image_physical(const void *address) { return (uint64_t)address - 0xffffffff80000000UL; }
static inline void *window_pointer(uint64_t physical) { return (void *)(0xffff800000000000UL + physical); }
