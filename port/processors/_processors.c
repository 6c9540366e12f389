// `_processors`: the other processors, one act each. Contracts: port/typings/_processors.pyi.
// In C because a mailbox is read by a processor that runs no Python, and a wait must pause the one that does.
#include <string.h>
#include "py/mphal.h"
#include "py/runtime.h"
#include "port/boot/early_frames.h"
#include "port/faults/interrupt_controllers.h"
#include "port/faults/trap_exceptions.h"
#include "port/faults/trap_log.h"
#include "port/faults/trap_reports.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/paging.h"
#include "port/hardware/window.h"
#include "port/processors/acts.h"
#include "port/processors/processors.h"
#include "port/processors/shootdown.h"
#include "port/processors/viper.h"
#include "port/runtime/clock.h"
#include "port/runtime/natives.h"

#define SPIN_US 200         // before the processor sleeps between two looks: a job may need its host thread
#define FRAME_WORDS (sizeof(trap_frame_t) / sizeof(uint64_t))

static processor_t *get_processor(mp_obj_t number_in) {
    uint64_t number = native_get_below(number_in, PROCESSORS_MAX, "number of a processor");
    if (!(processors_online >> number & 1)) {
        mp_raise_ValueError(MP_ERROR_TEXT("that processor has not come"));
    }
    return processor_of(number);
}

static void get_buffer(mp_obj_t object, mp_buffer_info_t *buffer, size_t at_least, size_t multiple) {
    mp_get_buffer_raise(object, buffer, MP_BUFFER_READ);
    if (buffer->len < at_least || buffer->len % multiple != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("a buffer of another length expected"));
    }
}

// --- to start them ---

// prepare(first_frame, numbers, settings, root): before any is started.
NATIVE_MANY(processors_prepare, 4, arguments) {
    mp_buffer_info_t numbers, settings;
    uint64_t blocks = native_get_frame(arguments[0]), root = native_get_frame(arguments[3]);
    get_buffer(arguments[1], &numbers, 256, 256);
    get_buffer(arguments[2], &settings, 0, sizeof(processor_setting_t));
    size_t count = settings.len / sizeof(processor_setting_t);
    for (size_t id = 0; id < 256; id++) {
        if (((uint8_t *)numbers.buf)[id] >= PROCESSORS_MAX) {
            mp_raise_ValueError(MP_ERROR_TEXT("numbers of processors are below PROCESSORS_MAX"));
        }
    }
    if (processors_online != 0 || count > PROCESSOR_SETTINGS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("they are started already, or there are too many settings"));
    }
    processors_begin((uint64_t)window_pointer(blocks), numbers.buf, settings.buf, count, root);
    return mp_const_none;
}

// keep_frames(first_frame, count): the blocks outlive Python, so no later frame allocator may hand them out.
NATIVE_2(processors_keep_frames, first_frame, count) {
    return mp_obj_new_bool(early_frames_keep(native_get_frame(first_frame) / PAGE_SIZE, native_get_below(count, 1UL << 20, "count")));
}

NATIVE_2(processors_place_trampoline, frame, root) {
    trampoline_place(native_get_frame(frame), native_get_frame(root));
    return mp_const_none;
}

// send(apic_id, command): INIT, or SIPI with a page number.
NATIVE_2(processors_send, apic_id, command) {
    local_apic_send(native_get_below(apic_id, 256, "APIC id"), native_get_below(command, 1UL << 20, "command"));
    return mp_const_none;
}

NATIVE_0(processors_own_apic_id) { return MP_OBJ_NEW_SMALL_INT(local_apic_id()); }
NATIVE_0(processors_came) { return native_new_u64(processors_online); }

// --- jobs ---

// post(number, entry, root_frame, stack_bottom, stack_top, vector, arguments): False if it is busy; then nothing was done.
NATIVE_MANY(processors_post, 7, a) {
    processor_t *p = get_processor(a[0]);
    uint64_t entry = native_get_u64(a[1]), root = native_get_frame(a[2]), bottom = native_get_u64(a[3]), top = native_get_u64(a[4]);
    uint64_t vector = native_get_below(a[5], 256, "vector");
    mp_buffer_info_t arguments;
    get_buffer(a[6], &arguments, sizeof p->integers + sizeof p->floats, sizeof p->integers + sizeof p->floats);
    if (processor_is_busy(p)) {
        return mp_const_false;
    }
    p->entry = entry;
    p->cr3 = root;
    p->cr0 = cr0_read();
    p->cr4 = cr4_read();
    p->efer = msr_read(MSR_EFER);
    p->pkrs = keys.rights;
    p->opens_user_pages = flags_read() & FLAGS_AC;
    p->stack_bottom = bottom;
    p->stack = top & ~15UL;
    p->ask_apic_id = processors_first_apic_id;
    p->ask_vector = vector;
    memcpy(p->integers, arguments.buf, sizeof p->integers);
    memcpy(p->floats, (const char *)arguments.buf + sizeof p->integers, sizeof p->floats);
    p->outcome = OUTCOME_NONE;
    processor_command(p, COMMAND_RUN);
    return mp_const_true;
}

// wait(number, us): until it has no job, or so long. Runs what is scheduled, and raises what is pending.
NATIVE_2(processors_wait, number, us_in) {
    processor_t *p = get_processor(number);
    uint64_t us = native_get_below(us_in, 1UL << 40, "us"), start = mp_hal_ticks_us(), now = start;
    while (processor_is_busy(p) && now - start < us) {
        for (int i = 0; i < 64 && processor_is_busy(p); i++) {
            processor_pause();
        }
        mp_handle_pending(true);
        now = mp_hal_ticks_us();
        if (now - start > SPIN_US && processor_is_busy(p)) {
            clock_wait_for_interrupt(1);
        }
    }
    return mp_obj_new_bool(!processor_is_busy(p));
}

NATIVE_1(processors_park, number) {
    processor_t *p = get_processor(number);
    if (processor_is_busy(p)) {
        return mp_const_false;
    }
    processor_command(p, COMMAND_PARK);
    return mp_const_true;
}

NATIVE_1(processors_stop, number) {
    processor_stop(get_processor(number));
    return mp_const_none;
}

// state(number): (state, outcome, APIC id, root's frame, jobs, faults, shootdowns).
NATIVE_1(processors_state, number) {
    const processor_t *p = get_processor(number);
    uint64_t state = p->command != COMMAND_NONE && p->state < STATE_RUNNING ? STATE_RUNNING : p->state;
    return NATIVE_NUMBERS(state, p->outcome, p->apic_id, frame_of_entry(p->root), p->jobs, p->faults, p->shootdowns);
}

// result(number): RAX, then XMM0, as the last job left them.
NATIVE_1(processors_result, number) {
    const processor_t *p = get_processor(number);
    return NATIVE_NUMBERS(p->result, p->result_float);
}

// The same for a viper function, whose RAX is an object.
NATIVE_1(processors_result_object, number) {
    const processor_t *p = get_processor(number);
    return p->outcome == OUTCOME_DONE ? (mp_obj_t)p->result : mp_const_none;
}

// --- exceptions ---

// fault(number, not_resolved): the exception that it took, for who raises it.
NATIVE_2(processors_fault, number, not_resolved) {
    processor_t *p = get_processor(number);
    p->record.not_resolved = mp_obj_is_true(not_resolved);
    if (p->record.vector == VECTOR_PAGE_FAULT) {
        trap_record_note_mapping(&p->record);
    }
    return MP_OBJ_FROM_PTR(trap_exception_new(&p->record));
}

// log_fault(number, answered): where the faults of all processors are kept.
NATIVE_2(processors_log_fault, number, answered) {
    const processor_t *p = get_processor(number);
    trap_log_next(mp_obj_is_true(answered))->record = p->record;
    return mp_const_none;
}

// registers(number): of the instruction that it asks about, to tell whether it is the same again.
NATIVE_1(processors_registers, number) {
    const processor_t *p = get_processor(number);
    return p->state == STATE_ASKING ? native_new_numbers(FRAME_WORDS, (const uint64_t *)p->frame) : mp_const_none;
}

NATIVE_2(processors_answer, number, retry) {
    processor_t *p = get_processor(number);
    if (p->state == STATE_ASKING && p->answer == ANSWER_NONE) {
        p->pkrs = keys.rights;
        p->answer = mp_obj_is_true(retry) ? ANSWER_RETRY : ANSWER_FAIL;
        local_apic_send(p->apic_id, APIC_FIXED | PROCESSOR_VECTOR_WAKE);
    }
    return mp_const_none;
}

// --- viper, shootdown ---

// viper(function): (entry, the copy that is called), or None.
NATIVE_1(processors_viper, function) {
    mp_obj_t copy = viper_copy(function);
    if (copy == MP_OBJ_NULL) {
        return mp_const_none;
    }
    mp_obj_t items[] = { native_new_u64(viper_entry(copy)), copy, native_new_u64((uint64_t)MP_OBJ_TO_PTR(copy)) };
    return mp_obj_new_tuple(3, items);
}

// arguments_at(number): where the mailbox keeps the last eight numbers of a job's arguments.
NATIVE_1(processors_arguments_at, number) { return native_new_u64((uint64_t)get_processor(number)->floats); }

// shoot(root_frame, page, count, mode): a root of 0 is everybody.
NATIVE_MANY(processors_shoot, 4, a) {
    shoot(native_get_frame(a[0]), native_get_page(a[1]), native_get_below(a[2], 1UL << 52, "count"), native_get_below(a[3], 1UL << 40, "mode"));
    return mp_const_none;
}

// forget(root_frame, page, count): 4 KiB pages, this processor first, in one call: a call costs more than a round.
NATIVE_3(processors_forget, root, page_in, count_in) {
    uint64_t page = native_get_page(page_in), count = native_get_below(count_in, 1UL << 52, "count");
    for (uint64_t i = 0; i < count; i++) {
        page_invalidate(page + i * PAGE_SIZE);
    }
    shoot(native_get_frame(root), page, count, PAGE_SIZE);
    return mp_const_none;
}

// shootdown_at(): for machine code that calls it as C does.
NATIVE_0(processors_shootdown_at) { return native_new_u64((uint64_t)shootdown_round); }

// Where the acts are that every processor knows.
NATIVE_0(processors_acts) {
    return NATIVE_NUMBERS((uint64_t)act_read, (uint64_t)act_write, (uint64_t)act_fetch, (uint64_t)act_spin, (uint64_t)act_hammer,
        (uint64_t)act_copy, (uint64_t)act_msr, (uint64_t)act_control);
}

NATIVE_MODULE(processors,
    NATIVE_INT(PROCESSORS_MAX, PROCESSORS_MAX), NATIVE_INT(BLOCK_FRAMES, PROCESSOR_BYTES / PAGE_SIZE),
    NATIVE_INT(PARKED, STATE_PARKED), NATIVE_INT(ATTACHED, STATE_ATTACHED), NATIVE_INT(RUNNING, STATE_RUNNING), NATIVE_INT(ASKING, STATE_ASKING),
    NATIVE_INT(DONE, OUTCOME_DONE), NATIVE_INT(FAULT, OUTCOME_FAULT), NATIVE_INT(REFUSED, OUTCOME_REFUSED), NATIVE_INT(STOPPED, OUTCOME_STOPPED),
    NATIVE_INT(NOT_GLOBAL, SHOOT_NOT_GLOBAL), NATIVE_INT(EVERYTHING, SHOOT_EVERYTHING),
    NATIVE(processors, prepare), NATIVE(processors, keep_frames), NATIVE(processors, place_trampoline), NATIVE(processors, send),
    NATIVE(processors, own_apic_id), NATIVE(processors, came), NATIVE(processors, post), NATIVE(processors, wait),
    NATIVE(processors, park), NATIVE(processors, stop), NATIVE(processors, state), NATIVE(processors, result),
    NATIVE(processors, result_object), NATIVE(processors, fault), NATIVE(processors, log_fault), NATIVE(processors, registers), NATIVE(processors, answer),
    NATIVE(processors, viper), NATIVE(processors, arguments_at), NATIVE(processors, shoot), NATIVE(processors, forget), NATIVE(processors, shootdown_at),
    NATIVE(processors, acts));
