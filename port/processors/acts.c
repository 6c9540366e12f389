// Acts of a processor that Python can't do on another one. All run as jobs: what faults ends them.
#include "port/hardware/instructions.h"
#include "port/processors/acts.h"

uint64_t act_read(uint64_t address) {
    uint64_t value;
    __asm__ volatile ("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

uint64_t act_write(uint64_t address, uint64_t value) {
    __asm__ volatile ("mov %0, (%1)" : : "r"(value), "r"(address) : "memory");
    return 0;
}

// A call without arguments.
uint64_t act_fetch(uint64_t address) {
    return ((uint64_t (*)(void))address)();
}

uint64_t act_spin(void) {
    for (;;) {
        processor_pause();
    }
}

// Write the low byte of each round's number to `count` places that are `step` bytes apart, again and again; rounds of 0: for ever.
uint64_t act_hammer(uint64_t address, uint64_t count, uint64_t step, uint64_t rounds) {
    uint64_t round = 0;
    do {
        for (uint64_t at = address, left = count; left != 0; left--, at += step) {
            __asm__ volatile ("movb %b0, (%1)" : : "q"(round), "r"(at) : "memory");
        }
        processor_pause();
    } while (++round != rounds);
    return round;
}

uint64_t act_copy(uint64_t to, uint64_t from, uint64_t words) {
    elements_copy((void *)to, (const void *)from, words, 8);
    return words;
}

uint64_t act_msr(uint64_t number) {
    return msr_read(number);
}

uint64_t act_control(uint64_t number) {
    return number == 0 ? cr0_read() : number == 3 ? cr3_read() : cr4_read();
}
