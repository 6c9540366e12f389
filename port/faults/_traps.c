// `_traps`: the processor's exceptions, as Python sees them. Contracts: port/typings/_traps.pyi.
//
// In C because handlers and exceptions are (handlers.c, trap_exceptions.c), whose numbers and types are handed out here.
#include "py/objtuple.h"
#include "boot/layout.h"
#include "port/faults/handlers.h"
#include "port/faults/trap_exceptions.h"
#include "port/faults/trap_log.h"
#include "port/faults/vectors.h"
#include "port/runtime/natives.h"

NATIVE_2(traps_set_views, views, describer) {
    if (!mp_obj_is_exact_type(views, &mp_type_dict)) {
        mp_raise_TypeError(MP_ERROR_TEXT("a dict of functions expected"));
    }
    MP_STATE_VM(trap_views) = views;
    MP_STATE_VM(trap_describer) = describer;
    return mp_const_none;
}

// --- handlers: handlers.c runs them ---

// set_handler(slot, first_page, last_page, function, with_numbers): None empties the slot, also while its handler runs.
NATIVE_MANY(traps_set_handler, 5, arguments) {
    size_t slot = native_get_below(arguments[0], FAULT_HANDLERS_MAX, "slot");
    uint64_t first = native_get_page(arguments[1]), last = native_get_page(arguments[2]) + (PAGE_SIZE - 1);
    bool used = arguments[3] != mp_const_none;
    fault_handlers_used += used - fault_ranges[slot].used;
    MP_STATE_VM(fault_handlers)[slot] = used ? arguments[3] : MP_OBJ_NULL;
    fault_ranges[slot] = (fault_range_t) { .first = first, .last = last, .used = used, .with_numbers = mp_obj_is_true(arguments[4]) };
    return mp_const_none;
}

// recent(): (Record, whether a handler answered it) of the last traps, the oldest first.
NATIVE_0(traps_recent) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    size_t count = trap_log_count, first = count > TRAP_LOG_LENGTH ? count - TRAP_LOG_LENGTH : 0;
    for (size_t i = first; i < count; i++) {
        const trap_log_entry_t *entry = &trap_log[i % TRAP_LOG_LENGTH];
        mp_obj_t items[] = { trap_exception_record(&entry->record), mp_obj_new_bool(entry->answered) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, items));
    }
    return list;
}

NATIVE_0(traps_taken) { return MP_OBJ_NEW_SMALL_INT(trap_log_count); }

NATIVE_MODULE(traps,
    NATIVE_AT(ProcessorFault, ProcessorFault_type), NATIVE_AT(PageFault, PageFault_type),
    NATIVE_AT(StackOverflow, StackOverflow_type), NATIVE_AT(GeneralProtectionFault, GeneralProtectionFault_type),
    NATIVE_AT(DivideFault, DivideFault_type), NATIVE_AT(InvalidOpcode, InvalidOpcode_type),
    NATIVE_AT(AlignmentFault, AlignmentFault_type), NATIVE_AT(BreakpointTrap, BreakpointTrap_type),
    NATIVE_AT(FloatingPointFault, FloatingPointFault_type),
    NATIVE_INT(FIRST_INTERRUPT, VECTOR_INTERRUPTS),
    NATIVE_AT(Record, trap_record_type),
    NATIVE(traps, set_views),
    NATIVE_INT(HANDLERS_MAX, FAULT_HANDLERS_MAX),
    NATIVE(traps, set_handler), NATIVE(traps, recent), NATIVE(traps, taken));
