// Frames for the boot's own tables, before Python and its allocator are up. Nothing is ever given back; the
// frame allocator takes this record over, so that these frames are neither lost nor handed out again.
#include <stdbool.h>
#include "boot/layout.h"
#include "port/boot/early_frames.h"
#include "port/boot/image.h"
#include "port/boot/info.h"
#include "port/faults/panic.h"

frame_run_t early_runs[EARLY_RUNS_MAX];
size_t early_runs_count;
static uint64_t next_candidate;

static bool overlaps(const memory_region_t *region, uint64_t start, uint64_t end) {
    return region->start < end && start < region->end;
}

// Frames are usable when they lie whole in RAM and touch nothing else that the map or the loader names.
static bool are_usable(uint64_t start, uint64_t end) {
    bool in_ram = false;
    for (size_t i = 0; i < boot_info.regions_count; i++) {
        const memory_region_t *region = &boot_info.regions[i];
        if (region->kind == REGION_USABLE) {
            in_ram |= region->start <= start && end <= region->end;
        } else if (overlaps(region, start, end)) {
            return false;
        }
    }
    for (size_t i = 0; i < boot_info.reserved_count; i++) {
        if (overlaps(&boot_info.reserved[i], start, end)) {
            return false;
        }
    }
    for (size_t i = 0; i < boot_info.modules_count; i++) {
        const memory_region_t module = { boot_info.modules[i].start, boot_info.modules[i].end, 0 };
        if (overlaps(&module, start, end)) {
            return false;
        }
    }
    return in_ram;
}

static void record(uint64_t frame) {
    if (early_runs_count > 0) {
        frame_run_t *last = &early_runs[early_runs_count - 1];
        if (last->first_frame + last->count == frame) {
            last->count++;
            return;
        }
    }
    if (early_runs_count == EARLY_RUNS_MAX) {
        boot_refuse("RAM is too scattered for the boot's own tables");
    }
    early_runs[early_runs_count++] = (frame_run_t) { frame, 1 };
}

uint64_t early_frames_find(uint64_t count) {
    uint64_t start = next_candidate == 0 ? (uint64_t)__image_end : next_candidate;
    for (; start < 0x100000000UL && start < boot_info.ram_end; start += PAGE_SIZE) {
        if (are_usable(start, start + count * PAGE_SIZE)) {
            next_candidate = start + count * PAGE_SIZE;
            return start;
        }
    }
    return 0;
}

uint64_t early_frame_allocate(void) {
    uint64_t frame = early_frames_find(1);
    if (frame == 0) {
        boot_refuse("no RAM below 4 GiB is left for page tables");
    }
    record(frame / PAGE_SIZE);
    __builtin_memset((void *)frame, 0, PAGE_SIZE);
    return frame;
}

bool early_frames_keep(uint64_t first_frame, uint64_t count) {
    if (early_runs_count == EARLY_RUNS_MAX) {
        return false;
    }
    early_runs[early_runs_count++] = (frame_run_t) { first_frame, count };
    return true;
}
