// How an access that would have gone well is refused: the test has made the window's pages user pages, and here SMAP is
// switched on, so that the supervisor may not touch them (Intel SDM, volume 3, "Access Rights"). Every access faults. Those
// that are to go well are done with EFLAGS.AC set, which lifts SMAP, one instruction at a time (EFLAGS.TF); the one that is
// not is left to whoever deals with faults, and SMAP is off again.
//
// The halves of one entry count as one access if both are read or both written: the page that had the one has the other. The
// handlers of exceptions themselves (interrupts are off there) are never refused anything.
#include "boot/layout.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/window.h"
#include "port/testing/refusals.h"

#define NO_FRAME    (~0UL)

static uint64_t left, last_access, refused_frame = NO_FRAME;
static const uint8_t *spared_frames;
static size_t spared_length;
static bool stepping, every_access, whole_frame, smap_is_ours;
bool refusals_are_on;

// What the test began with has SMAP off; who boots has it on, and ends no test by that.
static void use_smap(bool on) {
    if (on || smap_is_ours) {
        cr4_write(on ? cr4_read() | CR4_SMAP : cr4_read() & ~CR4_SMAP);
    }
    smap_is_ours = on;
}

uint64_t refusals_begin(uint64_t n, const uint8_t *spared, size_t frames, bool every, bool whole) {
    uint64_t before = left;
    left = n;
    spared_frames = spared;
    spared_length = frames;
    every_access = every;
    whole_frame = whole;
    last_access = refused_frame = NO_FRAME;
    refusals_are_on = n != 0;
    use_smap(n != 0);
    return before;
}

static bool is_refused(uint64_t address, bool write) {
    uint64_t frame = (address - paging_mode.window) >> 12, access = (address & ~7UL) | write;
    if (frame == refused_frame) {
        return true;
    }
    if (left == 0 || (frame < spared_length && spared_frames[frame] != 0)) {
        return false;
    }
    bool goes_on = access == last_access || (!every_access && access - last_access <= 16 && (access & 0xff0) != 0);
    last_access = access;
    if (goes_on || --left != 0) {
        return false;
    }
    if (whole_frame) {
        refused_frame = frame;
    } else {
        refusals_are_on = false;
        use_smap(false);
    }
    return true;
}

bool refusals_watch(trap_frame_t *frame) {
    if (frame->vector == VECTOR_DEBUG && stepping) {
        stepping = false;
        refusals_are_on = (cr4_read() & CR4_SMAP) != 0;
        frame->rflags &= ~(FLAGS_TRAP | FLAGS_AC);
        return true;
    }
    uint64_t address = cr2_read();
    if (frame->vector != VECTOR_PAGE_FAULT || !(cr4_read() & CR4_SMAP) || address < paging_mode.window || address - paging_mode.window >= window_bytes) {
        return false;
    }
    if ((frame->rflags & FLAGS_INTERRUPT) && is_refused(address, frame->error_code & CODE_WRITE)) {
        return false;
    }
    stepping = true;
    frame->rflags |= FLAGS_TRAP | FLAGS_AC;
    return true;
}
