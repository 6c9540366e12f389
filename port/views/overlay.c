// Overlays: the fields of a struct by name. Kernel Python has checked the layout (kernel/memory/views/layouts.py) and hands
// in a dict of its own of what each field is:
//
//   scalar, bit-field    an int: 0..7 code, 8..15 position, 16..31 width (0: no bit-field), 32.. offset in bytes
//   struct               (offset, None, bytes, its fields)
//   array                (offset, elements, bytes of one, code or fields of one)
//
// In C because `read a field and write another` is 704 instructions: two calls of bound methods alone are 1,062.
#include <stdio.h>
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

#define EXTENT_LIMIT (1UL << 31)

// A scalar, taken apart.
typedef struct {
    uint64_t offset;
    uint32_t size;
    char code;
    uint8_t position, width;
    bool is_signed;
} field_t;

static field_t scalar_of(mp_obj_t value) {
    uint64_t word = native_get_u64(value);
    char code = word & 0x7f;
    return (field_t) { .offset = word >> 32, .size = element_size(code), .code = code, .position = word >> 8 & 63,
        .width = word >> 16 & 63, .is_signed = code >= 'a' };
}

mp_obj_t overlay_new(lease_t *lease, mp_obj_t extent, mp_obj_t offset_in, bool writable) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(extent, 3, &items);
    if (!mp_obj_is_exact_type(items[0], &mp_type_dict)) {
        mp_raise_TypeError(MP_ERROR_TEXT("a dict of checked fields expected"));
    }
    uint64_t offset = native_get_below(offset_in, address_space_bytes(), "offset");
    uint64_t size = native_get_below(items[1], EXTENT_LIMIT, "size"), alignment = native_get_below(items[2], 9, "alignment");
    view_t *view = view_borrow(lease, &overlay_type, sizeof *view, offset, size, alignment, writable);
    view->layout = items[0];
    return MP_OBJ_FROM_PTR(view);
}

// --- fields ---

static uint64_t address_of(const view_t *view, uint64_t offset, uint64_t length) {
    if (offset > view->length || length > view->length - offset) {
        mp_raise_ValueError(MP_ERROR_TEXT("a field lies outside of its view"));
    }
    return view->address + offset;
}

// A struct or an array, as a view under the same borrow.
static mp_obj_t load_part(view_t *view, mp_obj_t value) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(value, 4, &items);
    uint64_t offset = native_get_u64(items[0]), size = native_get_u64(items[2]);
    if (items[1] == mp_const_none) {
        return MP_OBJ_FROM_PTR(view_part(view, &overlay_type, address_of(view, offset, size), size, items[3]));
    }
    uint64_t count = native_get_u64(items[1]), address = address_of(view, offset, count * size);
    char code = mp_obj_is_small_int(items[3]) ? MP_OBJ_SMALL_INT_VALUE(items[3]) : 0;
    return slice_part(view, address, count, code, size, items[3], &overlay_type);
}

static mp_obj_t load_bitfield(const field_t *field, uint64_t bits) {
    uint64_t value = bits >> field->position & ((1UL << field->width) - 1);
    if (field->is_signed && value >> (field->width - 1) != 0) {
        return mp_obj_new_int((mp_int_t)value - (1L << field->width));
    }
    return native_new_u64(value);
}

// One load and one store of the whole container: not atomic against a device.
static void store_bitfield(const view_t *view, const field_t *field, uint64_t address, mp_obj_t value_in) {
    mp_int_t value = (mp_int_t)native_get_u64(value_in);
    mp_int_t lowest = field->is_signed ? -(1L << (field->width - 1)) : 0;
    mp_int_t highest = (1L << (field->width - field->is_signed)) - 1;
    if (value < lowest || value > highest) {
        char after[48];
        snprintf(after, sizeof after, " does not fit a field of %u bits", field->width);
        native_raise_about(&mp_type_OverflowError, "", value_in, after);
    }
    view_require(view);
    uint64_t mask = ((1UL << field->width) - 1) << field->position;
    uint64_t bits = MP_OBJ_SMALL_INT_VALUE(element_load(view, field->code, address));
    element_store(view, field->size, address, (bits & ~mask) | ((uint64_t)value << field->position & mask));
}

static void store_field(const view_t *view, mp_obj_t field_in, mp_obj_t value) {
    if (!view->writable) {
        view_refuse(MP_QSTR_shared, MP_OBJ_FROM_PTR(view), mp_const_none);
    }
    if (mp_obj_is_type(field_in, &mp_type_tuple)) {
        mp_raise_TypeError(MP_ERROR_TEXT("layout: assign to the elements or fields of an array or struct, not to the whole"
            " (array[:] = ... does all at once)"));
    }
    field_t field = scalar_of(field_in);
    uint64_t address = address_of(view, field.offset, field.size);
    if (field.width != 0) {
        store_bitfield(view, &field, address, value);
    } else {
        uint64_t bits = element_bits(field.code, value);
        view_require(view);     // that may have run Python
        element_store(view, field.size, address, bits);
    }
}

static mp_obj_t load_field(view_t *view, mp_obj_t field_in) {
    if (mp_obj_is_type(field_in, &mp_type_tuple)) {
        return load_part(view, field_in);
    }
    field_t field = scalar_of(field_in);
    mp_obj_t value = element_load(view, field.code, address_of(view, field.offset, field.size));
    return field.width == 0 ? value : load_bitfield(&field, MP_OBJ_SMALL_INT_VALUE(value));
}

// Fields come first; what every view can do has the names that are left.
static void overlay_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    view_t *view = MP_OBJ_TO_PTR(self);
    bool load = destination[0] == MP_OBJ_NULL;
    mp_map_elem_t *found = attribute == MP_QSTR___del__ ? NULL
        : mp_map_lookup(mp_obj_dict_get_map(view->layout), MP_OBJ_NEW_QSTR(attribute), MP_MAP_LOOKUP);
    if (found == NULL) {
        if (load) {
            view_load_common(view, attribute, destination);
        }
        return;
    }
    view_require(view);
    if (load) {
        destination[0] = load_field(view, found->value);
    } else if (destination[1] != MP_OBJ_NULL) {
        store_field(view, found->value, destination[1]);
        destination[0] = MP_OBJ_NULL;
    }
}

MP_DEFINE_CONST_OBJ_TYPE(overlay_type, MP_QSTR_Overlay, MP_TYPE_FLAG_NONE, print, view_print, attr, overlay_attr);
