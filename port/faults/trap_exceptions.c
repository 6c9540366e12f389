// The processor's exceptions as Python exceptions.
//
// An exception carries one Record: what was true at the trap, raw. Its text and its typed attributes are made when
// somebody reads them: by the functions that set_views() was given, else by the few words below.
//
// In C because an exception of the processor comes where it likes, also with no memory left, and its record must be
// taken before anything can change. `fault to except` is 1,861 instructions, of which raising and catching are 1,417.
#include <string.h>
#include "py/gc.h"
#include "py/objexcept.h"
#include "py/objtuple.h"
#include "port/boot/image.h"
#include "port/faults/trap_exceptions.h"
#include "port/faults/trap_log.h"
#include "port/faults/vectors.h"
#include "port/faults/walk.h"
#include "port/runtime/natives.h"

MP_REGISTER_ROOT_POINTER(mp_obj_t trap_describer);
MP_REGISTER_ROOT_POINTER(mp_obj_t trap_views);

typedef struct {
    mp_obj_base_t base;
    trap_record_t trap;
} record_t;

static void record_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    record_t *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t describer = MP_STATE_VM(trap_describer);
    if (describer != MP_OBJ_NULL && describer != mp_const_none) {
        mp_obj_print_helper(print, mp_call_function_1(describer, self_in), PRINT_STR);
    } else {
        uint64_t at = self->trap.vector == VECTOR_PAGE_FAULT ? self->trap.address : self->trap.instruction_pointer;
        mp_printf(print, "%s at 0x%lx, error code 0x%lx", trap_name(self->trap.vector), at, self->trap.error_code);
    }
}

// One (level, index, entry's frame number, entry's flag word) for each entry that the processor looked at, from the root.
static mp_obj_t record_walk(const trap_record_t *trap) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    if (trap->vector != VECTOR_PAGE_FAULT) {
        return list;
    }
    for (int level = trap->level_first; level >= trap->level_last; level--) {
        uint64_t entry = trap->entries[level];
        mp_obj_list_append(list, NATIVE_NUMBERS(level, trap_record_index(trap, level), frame_of_entry(entry), word_of_entry(entry)));
    }
    return list;
}

// (first page, pages, flag word, kind) of the owned mapping that the address was in, or None.
static mp_obj_t record_mapping(const trap_record_t *trap) {
    return trap->mapping_count == 0 ? mp_const_none
        : NATIVE_NUMBERS(trap->mapping_first_page, trap->mapping_count, trap->mapping_flags, trap->mapping_kind);
}

static mp_obj_t record_registers(const trap_record_t *trap) {
    return trap->vector == VECTOR_PAGE_FAULT ? mp_const_empty_tuple : native_new_numbers(16, trap->registers);
}

// The instruction, and some bytes behind it; empty where it is not the kernel's own code, which is always there.
static mp_obj_t record_code(const trap_record_t *trap) {
    uint64_t at = trap->instruction_pointer, end = (uint64_t)__text_end;
    if (at < (uint64_t)__text_start || at >= end) {
        return mp_const_empty_bytes;
    }
    return mp_obj_new_bytes((const byte *)at, end - at < 15 ? end - at : 15);
}

static void record_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    const trap_record_t *trap = &((record_t *)MP_OBJ_TO_PTR(self_in))->trap;
    switch (attribute) {
        case MP_QSTR_vector: destination[0] = MP_OBJ_NEW_SMALL_INT(trap->vector); break;
        case MP_QSTR_name: destination[0] = mp_obj_new_str(trap_name(trap->vector), strlen(trap_name(trap->vector))); break;
        case MP_QSTR_error_code: destination[0] = MP_OBJ_NEW_SMALL_INT(trap->error_code); break;
        case MP_QSTR_address: destination[0] = native_new_u64(trap->address); break;
        case MP_QSTR_page: destination[0] = MP_OBJ_NEW_SMALL_INT(trap->address / PAGE_SIZE); break;
        case MP_QSTR_instruction_pointer: destination[0] = native_new_u64(trap->instruction_pointer); break;
        case MP_QSTR_root_frame: destination[0] = MP_OBJ_NEW_SMALL_INT(frame_of_entry(trap->table_root)); break;
        case MP_QSTR_flags: destination[0] = MP_OBJ_NEW_SMALL_INT(trap->flags); break;
        case MP_QSTR_time: destination[0] = native_new_u64(trap->time); break;
        case MP_QSTR_code: destination[0] = record_code(trap); break;
        case MP_QSTR_registers: destination[0] = record_registers(trap); break;
        case MP_QSTR_stack_overflow: destination[0] = mp_obj_new_bool(trap->stack_overflow); break;
        case MP_QSTR_not_resolved: destination[0] = mp_obj_new_bool(trap->not_resolved); break;
        case MP_QSTR_entries: destination[0] = record_walk(trap); break;
        case MP_QSTR_mapping: destination[0] = record_mapping(trap); break;
    }
}

MP_DEFINE_CONST_OBJ_TYPE(trap_record_type, MP_QSTR_Record, MP_TYPE_FLAG_NONE, print, record_print, attr, record_attr);

// What set_views() has under that name, called with the record; false if it has nothing.
static bool view_attr(mp_obj_t record, qstr attribute, mp_obj_t *destination) {
    mp_obj_t views = MP_STATE_VM(trap_views);
    if (views == MP_OBJ_NULL) {
        return false;
    }
    mp_map_elem_t *element = mp_map_lookup(mp_obj_dict_get_map(views), MP_OBJ_NEW_QSTR(attribute), MP_MAP_LOOKUP);
    if (element == NULL) {
        return false;
    }
    destination[0] = mp_call_function_1(element->value, record);
    return true;
}

// The exception's own attributes, then the views, then the record's.
static void trap_exception_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    bool load = destination[0] == MP_OBJ_NULL;
    mp_obj_exception_attr(self_in, attribute, destination);
    if (!load || destination[0] != MP_OBJ_NULL) {
        return;
    }
    const mp_obj_tuple_t *arguments = ((mp_obj_exception_t *)MP_OBJ_TO_PTR(self_in))->args;
    if (arguments != NULL && arguments->len == 1 && mp_obj_is_type(arguments->items[0], &trap_record_type)) {
        if (attribute == MP_QSTR_record) {
            destination[0] = arguments->items[0];
        } else if (!view_attr(arguments->items[0], attribute, destination)) {
            record_attr(arguments->items[0], attribute, destination);
        }
    }
}

#define TRAP_EXCEPTION(name, parent_type) \
    MP_DEFINE_CONST_OBJ_TYPE(name##_type, MP_QSTR_##name, MP_TYPE_FLAG_NONE, make_new, mp_obj_exception_make_new, \
        print, mp_obj_exception_print, attr, trap_exception_attr, parent, parent_type)

TRAP_EXCEPTION(ProcessorFault, &mp_type_Exception);
TRAP_EXCEPTION(PageFault, &ProcessorFault_type);
TRAP_EXCEPTION(StackOverflow, &PageFault_type);
TRAP_EXCEPTION(GeneralProtectionFault, &ProcessorFault_type);
TRAP_EXCEPTION(DivideFault, &ProcessorFault_type);
TRAP_EXCEPTION(InvalidOpcode, &ProcessorFault_type);
TRAP_EXCEPTION(AlignmentFault, &ProcessorFault_type);
TRAP_EXCEPTION(BreakpointTrap, &ProcessorFault_type);
TRAP_EXCEPTION(FloatingPointFault, &ProcessorFault_type);

static const mp_obj_type_t *exception_type(const trap_record_t *trap) {
    switch (trap->vector) {
        case VECTOR_PAGE_FAULT: return trap->stack_overflow ? &StackOverflow_type : &PageFault_type;
        case VECTOR_GENERAL_PROTECTION: return &GeneralProtectionFault_type;
        case VECTOR_DIVIDE: return &DivideFault_type;
        case VECTOR_INVALID_OPCODE: return &InvalidOpcode_type;
        case VECTOR_ALIGNMENT: return &AlignmentFault_type;
        case VECTOR_BREAKPOINT: return &BreakpointTrap_type;
        case VECTOR_FLOAT: case VECTOR_SIMD: return &FloatingPointFault_type;
    }
    return &ProcessorFault_type;
}

// With no memory left for the record, the exception still comes, from MicroPython's emergency buffer, without details.
void *trap_exception_new(const trap_record_t *trap) {
    const mp_obj_type_t *type = exception_type(trap);
    size_t length = trap->vector == VECTOR_PAGE_FAULT ? offsetof(record_t, trap.registers) : sizeof(record_t);
    record_t *record = MP_STATE_THREAD(gc_lock_depth) > 0 ? NULL : gc_alloc(length, 0);
    if (record == NULL) {
        mp_raise_msg_varg(type, MP_ERROR_TEXT("%s at 0x%x%08x; no memory for more"), trap_name(trap->vector),
            (unsigned)(trap->address >> 32), (unsigned)trap->address);
    }
    record->base.type = &trap_record_type;
    memcpy(&record->trap, trap, length - offsetof(record_t, trap));
    return MP_OBJ_TO_PTR(mp_obj_new_exception_arg1(type, MP_OBJ_FROM_PTR(record)));
}

void trap_exception_raise(const trap_record_t *trap) {
    nlr_raise(MP_OBJ_FROM_PTR(trap_exception_new(trap)));
}

void trap_exception_mark_not_resolved(void *exception) {
    const mp_obj_tuple_t *arguments = ((mp_obj_exception_t *)exception)->args;
    if (arguments != NULL && arguments->len == 1 && mp_obj_is_type(arguments->items[0], &trap_record_type)) {
        ((record_t *)MP_OBJ_TO_PTR(arguments->items[0]))->trap.not_resolved = true;
    }
}

mp_obj_t trap_exception_record(const trap_record_t *trap) {
    record_t *record = mp_obj_malloc(record_t, &trap_record_type);
    record->trap = *trap;
    return MP_OBJ_FROM_PTR(record);
}
