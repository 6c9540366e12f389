// Tracebacks: what repeats itself is told once, and the prompt leaves out the kernel's own frames. port.mk links every
// call of mp_obj_print_exception to here.
#include "py/frozenmod.h"
#include "py/obj.h"
#include "py/runtime.h"
#include "port/console/traceback.h"

// (file, line, block) for each frame, the innermost first.
typedef struct { size_t file, line, block; } frame_t;

#define LONGEST_CYCLE 8                 // functions that call each other in turn
#define FEWEST_REPETITIONS 2

static bool is_kernel_frame(const frame_t *frame) {
    return mp_find_frozen_module(qstr_str(frame->file), NULL, NULL) == MP_IMPORT_STAT_FILE;
}

static bool same(const frame_t *a, const frame_t *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (a[i].file != b[i].file || a[i].line != b[i].line || a[i].block != b[i].block) {
            return false;
        }
    }
    return true;
}

// How often the `length` frames that end at `end` come again right below, towards the innermost.
static size_t repetitions(const frame_t *frames, size_t end, size_t length) {
    size_t found = 0;
    while (end >= (found + 2) * length && same(&frames[end - length], &frames[end - (found + 2) * length], length)) {
        found++;
    }
    return found;
}

static void print_frame(const mp_print_t *print, const frame_t *frame) {
    mp_printf(print, "  File \"%q\", line %d", (qstr)frame->file, (int)frame->line);
    mp_printf(print, frame->block == MP_QSTRnull ? "\n" : ", in %q\n", (qstr)frame->block);
}

// In the words of the Python of other machines.
static void print_repetition(const mp_print_t *print, int lines, int times) {
    if (lines == 1) {
        mp_printf(print, "  [Previous line repeated %d more times]\n", times);
    } else {
        mp_printf(print, "  [Previous %d lines repeated %d more times]\n", lines, times);
    }
}

static void print_frames(const mp_print_t *print, const frame_t *frames, size_t count, bool users_only) {
    mp_print_str(print, "Traceback (most recent call last):\n");
    for (size_t end = count; end > 0;) {
        size_t length = 1, again = 0;
        while (length <= LONGEST_CYCLE && (again = repetitions(frames, end, length)) < FEWEST_REPETITIONS) {
            length++;
        }
        length = again < FEWEST_REPETITIONS ? 1 : length;
        again = again < FEWEST_REPETITIONS ? 0 : again;
        size_t shown = 0;
        for (size_t i = 0; i < length; i++) {
            if (!users_only || !is_kernel_frame(&frames[end - 1 - i])) {
                print_frame(print, &frames[end - 1 - i]);
                shown++;
            }
        }
        if (again > 0 && shown > 0) {
            print_repetition(print, (int)shown, (int)again);
        }
        end -= length * (again + 1);
    }
}

static size_t frames_of(mp_obj_t exception, const frame_t **frames) {
    if (!mp_obj_is_exception_instance(exception)) {
        return 0;
    }
    size_t count, *values;
    mp_obj_exception_get_traceback(exception, &count, &values);
    *frames = (const frame_t *)values;
    return count / 3;
}

static void print_message(const mp_print_t *print, mp_obj_t exception) {
    mp_obj_print_helper(print, exception, PRINT_EXC);
    mp_print_str(print, "\n");
}

void __wrap_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exception) {
    const frame_t *frames = NULL;
    size_t count = frames_of(exception, &frames);
    if (count > 0) {
        print_frames(print, frames, count, false);
    }
    print_message(print, exception);
}

bool traceback_has_kernel_frames(mp_obj_t exception) {
    const frame_t *frames = NULL;
    for (size_t i = 0, count = frames_of(exception, &frames); i < count; i++) {
        if (is_kernel_frame(&frames[i])) {
            return true;
        }
    }
    return false;
}

void traceback_print_users(const mp_print_t *print, mp_obj_t exception) {
    const frame_t *frames = NULL;
    size_t count = frames_of(exception, &frames), users = 0;
    for (size_t i = 0; i < count; i++) {
        users += !is_kernel_frame(&frames[i]);
    }
    if (users > 1 || (users == count && count > 0)) {
        print_frames(print, frames, count, true);
    }
    print_message(print, exception);
}
