// Frames handed out before there is an allocator; they stay taken for ever.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EARLY_RUNS_MAX 32

typedef struct { uint64_t first_frame, count; } frame_run_t;

extern frame_run_t early_runs[EARLY_RUNS_MAX];
extern size_t early_runs_count;

// The physical address of a cleared frame below 4 GiB (what the entry tables can reach).
uint64_t early_frame_allocate(void);
// The physical address of frames that touch, below 4 GiB, as they are; not recorded here. 0: there are none.
uint64_t early_frames_find(uint64_t count);
// Frames of Python's that stay taken through every soft reset from here on. False if there is no room to note that.
bool early_frames_keep(uint64_t first_frame, uint64_t count);
