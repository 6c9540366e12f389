// Slices: many elements of one type, or many structs of one layout (those only inside of overlays).
// In C because `iterate, one element` is 135 instructions and `read one byte, checked` 154: the call of a bound method
// alone is 531.
#include <string.h>
#include "py/objarray.h"
#include "boot/layout.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

static uint64_t count_of(const view_t *view) {
    return view->length / view->size;
}

mp_obj_t slice_new(lease_t *lease, mp_obj_t code_in, mp_obj_t offset_in, mp_obj_t count_in, bool writable) {
    char code = element_code(code_in);
    uint32_t size = element_size(code);
    uint64_t offset = native_get_below(offset_in, address_space_bytes(), "offset");
    uint64_t rest = offset < lease->length ? (lease->length - offset) / size : 0;
    uint64_t count = count_in == mp_const_none ? rest : native_get_below(count_in, address_space_bytes(), "number of elements");
    view_t *view = view_borrow(lease, &slice_type, sizeof *view, offset, count * size, size, writable);
    view->size = size;
    view->code = code;
    return MP_OBJ_FROM_PTR(view);
}

mp_obj_t slice_part(view_t *whole, uint64_t address, uint64_t count, char code, uint32_t size, mp_obj_t layout, const mp_obj_type_t *part) {
    view_t *view = view_part(whole, &slice_type, address, count * size, layout);
    view->size = size;
    view->code = code;
    view->part = part;
    return MP_OBJ_FROM_PTR(view);
}

// --- indexing ---

static uint64_t address_at(const view_t *view, mp_obj_t index) {
    mp_int_t count = count_of(view);
    mp_int_t at;
    if (mp_obj_is_small_int(index)) {
        at = MP_OBJ_SMALL_INT_VALUE(index);
        at += at < 0 ? count : 0;
        if (at < 0 || at >= count) {
            mp_raise_msg_varg(&mp_type_IndexError, MP_ERROR_TEXT("index %d is outside a view of %d elements"),
                (int)MP_OBJ_SMALL_INT_VALUE(index), (int)count);
        }
    } else {
        at = mp_get_index(view->base.type, count, index, false);
        view_require(view);     // that may have run Python
    }
    return view->address + at * view->size;
}

static mp_obj_t load_at(view_t *view, uint64_t address) {
    if (view->code == 0) {
        return MP_OBJ_FROM_PTR(view_part(view, view->part, address, view->size, view->layout));
    }
    return element_load(view, view->code, address);
}

// --- ranges of elements ---

// `count` elements as what a slice returns: bytes, or an array; a list for half floats, which arrays don't know.
static mp_obj_t copy_of(const view_t *view, size_t count, const void *from, mp_int_t step) {
    char code = view->code;
    uint32_t size = view->size;
    if (code == 'B' && step == 1 && view_is_plain(view)) {
        return mp_obj_new_bytes(from, count);
    }
    if (code == 'e') {
        mp_obj_t list = mp_obj_new_list(0, NULL);
        for (size_t i = 0; i < count; i++) {
            mp_obj_list_append(list, element_load(view, code, (uint64_t)from + i * step * size));
        }
        return list;
    }
    mp_obj_array_t *array = mp_obj_malloc(mp_obj_array_t, &mp_type_array);
    *array = (mp_obj_array_t) { .base = { &mp_type_array }, .typecode = code };
    byte *bytes = array->items = m_new(byte, count * size);
    array->len = count;
    if (step == 1) {
        copying_move(view, bytes, from, count * size);
    } else {
        for (size_t i = 0; i < count; i++) {
            view_open(view);
            elements_copy(bytes + i * size, (const byte *)from + (mp_int_t)i * step * size, 1, size);
            view_close(view);
        }
    }
    return code == 'B' ? mp_obj_new_bytes(bytes, count) : MP_OBJ_FROM_PTR(array);
}

static size_t length_of(const mp_bound_slice_t *range) {
    mp_int_t distance = range->step > 0 ? range->stop - range->start : range->start - range->stop;
    mp_int_t step = range->step > 0 ? range->step : -range->step;
    return distance > 0 ? (distance + step - 1) / step : 0;
}

static mp_bound_slice_t range_of(const view_t *view, mp_obj_t slice) {
    mp_bound_slice_t range;
    mp_obj_slice_indices(slice, count_of(view), &range);
    view_require(view);
    return range;
}

static void assign_range(view_t *view, mp_obj_t slice, mp_obj_t value) {
    mp_bound_slice_t range = range_of(view, slice);
    size_t count = length_of(&range);
    elements_t source = copying_elements_of(view, value, count, true);
    byte *to = (byte *)view->address + range.start * view->size;
    if (range.step == 1) {
        copying_between(view, to, source.bytes, count * view->size, true);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        byte *at = to + (mp_int_t)i * range.step * view->size;
        copying_between(view, at, (const byte *)source.bytes + i * view->size, view->size, true);
    }
}

static mp_obj_t slice_subscr(mp_obj_t self, mp_obj_t index, mp_obj_t value) {
    view_t *view = MP_OBJ_TO_PTR(self);
    view_require(view);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    if (mp_obj_is_type(index, &mp_type_slice)) {
        view_require_elements(view);
        if (value != MP_OBJ_SENTINEL) {
            view_require_writable(view);
            assign_range(view, index, value);
            return mp_const_none;
        }
        mp_bound_slice_t range = range_of(view, index);
        return copy_of(view, length_of(&range), (const byte *)view->address + range.start * view->size, range.step);
    }
    uint64_t address = address_at(view, index);
    if (value == MP_OBJ_SENTINEL) {
        return load_at(view, address);
    }
    view_require_elements(view);
    view_require_writable(view);
    uint64_t bits = element_bits(view->code, value);
    if (!mp_obj_is_small_int(value)) {
        view_require(view);
    }
    element_store(view, view->size, address, bits);
    return mp_const_none;
}

// --- copies ---

static size_t element_offset(const view_t *view, size_t n_args, const mp_obj_t *arguments) {
    return n_args == 3 ? native_get_below(arguments[2], count_of(view) + 1, "offset") : 0;
}

// Write all of `source` (a view, a buffer or an iterable), beginning with element `offset`.
NATIVE_BETWEEN(slice_copy_from, 2, 3, n_args, arguments) {
    view_t *view = MP_OBJ_TO_PTR(arguments[0]);
    view_require_writable(view);
    view_require_elements(view);
    size_t offset = element_offset(view, n_args, arguments);
    elements_t source = copying_elements_of(view, arguments[1], count_of(view) - offset, false);
    copying_between(view, (byte *)view->address + offset * view->size, source.bytes, source.count * view->size, true);
    return mp_const_none;
}

// Fill all of `target` (a writable view or buffer) with elements, beginning with element `offset`.
NATIVE_BETWEEN(slice_copy_to, 2, 3, n_args, arguments) {
    view_t *view = MP_OBJ_TO_PTR(arguments[0]);
    view_require(view);
    view_require_elements(view);
    size_t offset = element_offset(view, n_args, arguments);
    mp_buffer_info_t buffer;
    if (!copying_bytes_of(view, arguments[1], &buffer, MP_BUFFER_WRITE)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("a writable view or buffer expected, not %s"),
            mp_obj_get_type_str(arguments[1]));
    }
    elements_t target = copying_of_buffer(view, &buffer);
    if (target.count > count_of(view) - offset) {
        copying_wrong_length(count_of(view) - offset, target.count);
    }
    const byte *from = (const byte *)view->address + offset * view->size;
    const view_t *into = mp_obj_is_type(arguments[1], &slice_type) ? MP_OBJ_TO_PTR(arguments[1]) : NULL;
    if (into != NULL && !view_is_plain(into)) {     // by its own width, whatever the width is that it is read in here
        copying_move(into, (void *)target.bytes, copying_read(view, from, target.count * view->size), buffer.len);
    } else {
        copying_between(view, (void *)target.bytes, from, target.count * view->size, false);
    }
    return mp_const_none;
}

// --- the rest of a sequence ---

static mp_obj_t slice_unary_op(mp_unary_op_t operation, mp_obj_t self) {
    const view_t *view = MP_OBJ_TO_PTR(self);
    switch (operation) {
        case MP_UNARY_OP_LEN: return MP_OBJ_NEW_SMALL_INT(count_of(view));
        case MP_UNARY_OP_BOOL: return mp_obj_new_bool(view->length > 0);
        default: return MP_OBJ_NULL;
    }
}

// Equal bytes, of a view or any buffer; those of RAM are compared where they are.
static mp_obj_t slice_binary_op(mp_binary_op_t operation, mp_obj_t left, mp_obj_t right) {
    const view_t *view = MP_OBJ_TO_PTR(left);
    mp_buffer_info_t buffer;
    if (operation != MP_BINARY_OP_EQUAL) {
        return MP_OBJ_NULL;
    }
    view_require(view);
    if (!copying_bytes_of(view, right, &buffer, MP_BUFFER_READ) || buffer.len != view->length) {
        return mp_const_false;
    }
    const void *other = copying_contents_of(view, right, &buffer);
    buffer.buf = (void *)view->address;
    return mp_obj_new_bool(memcmp(copying_contents_of(view, left, &buffer), other, buffer.len) == 0);
}

typedef struct {
    mp_obj_base_t base;
    mp_fun_1_t next;
    view_t *view;
    size_t index;
} slice_iterator_t;

static mp_obj_t slice_next(mp_obj_t self) {
    slice_iterator_t *iterator = MP_OBJ_TO_PTR(self);
    view_require(iterator->view);
    if (iterator->index >= count_of(iterator->view)) {
        return MP_OBJ_STOP_ITERATION;
    }
    return load_at(iterator->view, iterator->view->address + iterator->index++ * iterator->view->size);
}

static mp_obj_t slice_iterate(mp_obj_t self, mp_obj_iter_buf_t *buffer) {
    MP_STATIC_ASSERT(sizeof(slice_iterator_t) <= sizeof(mp_obj_iter_buf_t));
    slice_iterator_t *iterator = (slice_iterator_t *)buffer;
    iterator->base.type = &mp_type_polymorph_iter;
    iterator->next = slice_next;
    iterator->view = MP_OBJ_TO_PTR(self);
    iterator->index = 0;
    return MP_OBJ_FROM_PTR(iterator);
}

// What leaves here can't be taken back: the pages are marked, and their addresses are not used again before the next
// soft reset. Below the kernel's half that would not help (another table, other pages): refused there.
static mp_int_t slice_get_buffer(mp_obj_t self, mp_buffer_info_t *buffer, mp_uint_t flags) {
    view_t *view = MP_OBJ_TO_PTR(self);
    view_require(view);
    view_require_elements(view);
    if (flags & MP_BUFFER_WRITE && !view->writable) {
        return 1;
    }
    if (view->lease->table != 0) {
        view_refuse(MP_QSTR_export, self, mp_const_none);
    }
    if (!view->lease->is_ram && !view->lease->exported) {
        view_ask(MP_QSTR_raw, self, mp_const_none);
        view_require(view);     // that has run Python
    }
    lease_export(view->lease);
    *buffer = (mp_buffer_info_t) { (void *)view->address, view->length, view->code };
    return 0;
}

static void slice_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    view_t *view = MP_OBJ_TO_PTR(self);
    if (destination[0] != MP_OBJ_NULL || view_load_common(view, attribute, destination)) {
        return;
    }
    if (attribute == MP_QSTR_typecode) {
        destination[0] = view->code == 0 ? mp_const_none : mp_obj_new_str(&view->code, 1);
    } else if (attribute == MP_QSTR_itemsize) {
        destination[0] = MP_OBJ_NEW_SMALL_INT(view->size);
    } else {
        destination[1] = MP_OBJ_SENTINEL;
    }
}

NATIVE_NAMES(slice_locals,
    NATIVE(slice, copy_from), NATIVE(slice, copy_to));
MP_DEFINE_CONST_OBJ_TYPE(slice_type, MP_QSTR_Slice, MP_TYPE_FLAG_ITER_IS_GETITER | MP_TYPE_FLAG_EQ_CHECKS_OTHER_TYPE,
    print, view_print, attr, slice_attr, subscr, slice_subscr, unary_op, slice_unary_op, binary_op, slice_binary_op,
    iter, slice_iterate, buffer, slice_get_buffer, locals_dict, &slice_locals);
