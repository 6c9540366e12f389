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

static mp_obj_t traps_set_views(mp_obj_t views, mp_obj_t describer) {
    if (!mp_obj_is_exact_type(views, &mp_type_dict)) {
        mp_raise_TypeError(MP_ERROR_TEXT("a dict of functions expected"));
    }
    MP_STATE_VM(trap_views) = views;
    MP_STATE_VM(trap_describer) = describer;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(traps_set_views_obj, traps_set_views);

// --- handlers: handlers.c runs them ---

// set_handler(slot, first_page, last_page, function, with_numbers): None empties the slot, also while its handler runs.
static mp_obj_t traps_set_handler(size_t count, const mp_obj_t *arguments) {
    size_t slot = native_get_below(arguments[0], FAULT_HANDLERS_MAX, "slot");
    uint64_t first = native_get_page(arguments[1]), last = native_get_page(arguments[2]) + (PAGE_SIZE - 1);
    bool used = arguments[3] != mp_const_none;
    fault_handlers_used += used - fault_ranges[slot].used;
    MP_STATE_VM(fault_handlers)[slot] = used ? arguments[3] : MP_OBJ_NULL;
    fault_ranges[slot] = (fault_range_t) { .first = first, .last = last, .used = used, .with_numbers = mp_obj_is_true(arguments[4]) };
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(traps_set_handler_obj, 5, 5, traps_set_handler);

// recent(): (Record, whether a handler answered it) of the last traps, the oldest first.
static mp_obj_t traps_recent(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    size_t count = trap_log_count, first = count > TRAP_LOG_LENGTH ? count - TRAP_LOG_LENGTH : 0;
    for (size_t i = first; i < count; i++) {
        const trap_log_entry_t *entry = &trap_log[i % TRAP_LOG_LENGTH];
        mp_obj_t items[] = { trap_exception_record(&entry->record), mp_obj_new_bool(entry->answered) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(traps_recent_obj, traps_recent);

static mp_obj_t traps_taken(void) { return MP_OBJ_NEW_SMALL_INT(trap_log_count); }
static MP_DEFINE_CONST_FUN_OBJ_0(traps_taken_obj, traps_taken);

static const mp_rom_map_elem_t traps_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__traps) },
    { MP_ROM_QSTR(MP_QSTR_ProcessorFault), MP_ROM_PTR(&ProcessorFault_type) },
    { MP_ROM_QSTR(MP_QSTR_PageFault), MP_ROM_PTR(&PageFault_type) },
    { MP_ROM_QSTR(MP_QSTR_StackOverflow), MP_ROM_PTR(&StackOverflow_type) },
    { MP_ROM_QSTR(MP_QSTR_GeneralProtectionFault), MP_ROM_PTR(&GeneralProtectionFault_type) },
    { MP_ROM_QSTR(MP_QSTR_DivideFault), MP_ROM_PTR(&DivideFault_type) },
    { MP_ROM_QSTR(MP_QSTR_InvalidOpcode), MP_ROM_PTR(&InvalidOpcode_type) },
    { MP_ROM_QSTR(MP_QSTR_AlignmentFault), MP_ROM_PTR(&AlignmentFault_type) },
    { MP_ROM_QSTR(MP_QSTR_BreakpointTrap), MP_ROM_PTR(&BreakpointTrap_type) },
    { MP_ROM_QSTR(MP_QSTR_FloatingPointFault), MP_ROM_PTR(&FloatingPointFault_type) },
    { MP_ROM_QSTR(MP_QSTR_FIRST_INTERRUPT), MP_ROM_INT(VECTOR_INTERRUPTS) },
    { MP_ROM_QSTR(MP_QSTR_Record), MP_ROM_PTR(&trap_record_type) },
    { MP_ROM_QSTR(MP_QSTR_set_views), MP_ROM_PTR(&traps_set_views_obj) },
    { MP_ROM_QSTR(MP_QSTR_HANDLERS_MAX), MP_ROM_INT(FAULT_HANDLERS_MAX) },
    { MP_ROM_QSTR(MP_QSTR_set_handler), MP_ROM_PTR(&traps_set_handler_obj) },
    { MP_ROM_QSTR(MP_QSTR_recent), MP_ROM_PTR(&traps_recent_obj) },
    { MP_ROM_QSTR(MP_QSTR_taken), MP_ROM_PTR(&traps_taken_obj) },
};
static MP_DEFINE_CONST_DICT(traps_globals, traps_globals_table);
const mp_obj_module_t traps_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&traps_globals };
MP_REGISTER_MODULE(MP_QSTR__traps, traps_module);
