// Cases on a root of the probe's own: every combination of some bits of the entries for one address, times some accesses.
#pragma once
#include <stdint.h>
#include "port/faults/probe_tables.h"

#define CASES_ACCESSES_MAX  48
#define CASES_TOGGLES_MAX   24
#define CASES_SLICE_WORDS   4096        // what one slice may have: interrupts are off for as long

#define SETTING_WP          1
#define SETTING_NXE         2
#define SETTING_SMEP        4
#define SETTING_SMAP        8
#define SETTING_PKE         16
#define SETTING_BELOW_ROOT  32          // the highest entry of a case is one of level 4, even if the root is above it
#define SETTING_PKS         64

// What the caller packs, by this format of `struct`.
#define BLOCK_FORMAT "<4QQHHHHIIBB48s48s"
typedef struct __attribute__((packed)) {
    uint64_t flags[PROBE_LEVELS];   // entries of levels 1 to 3 and of the root, without the addresses
    uint64_t value;                 // what the frame holds at the address; its low 6 bytes are code
    uint16_t root_index, index, offset;       // `index` is that of the levels below the root down to 3
    uint16_t settings;
    uint32_t pkru, pkrs;
    uint8_t accesses_count, toggles_count;
    uint8_t accesses[CASES_ACCESSES_MAX];
    uint8_t toggles[CASES_TOGGLES_MAX][2];  // level, bit: state n has it flipped when bit (its position here) of n is set
} block_t;

// A case's outcome, beside the low bits of the page fault's error code.
#define WORD_ERROR_BITS     0x3f
#define WORD_FAULT          (1 << 6)
#define WORD_ODD            (1 << 7)    // neither a success nor a page fault as it has to be
#define WORD_ACCESSED_SHIFT 8           // newly set, at levels 1 to 4
#define WORD_DIRTY_SHIFT    12          // newly set, at levels 1 to 3

// What a block needs of CR4.
uint64_t cases_cr4(const block_t *block);
// Perform all accesses in as many states; the words go into a buffer that the next call reuses.
const uint16_t *cases_run(const block_t *block, uint64_t first_state, uint64_t states);
