// Overlays: the fields of a struct by name. The layout is a dict in the notation of `uctypes`:
//
//   field            value                                     a small int is, in bits,
//   scalar           offset | UINT32                           30..27 type, 26..0 offset in bytes
//   bit-field        offset | BFUINT32 | 3 << BF_POS | 5 << BF_LEN
//                                                              30..27 type, 26..22 length, 21..17 position, 16..0 offset
//   struct           (offset, {...})                           of an offset in a tuple: 30..29 kind
//   array            (offset | ARRAY, 4 | UINT8)               30..27 type, 26..0 length
//   array of structs (offset | ARRAY, 4, {...})
//
// A dict can be changed after it was checked, so every access checks its field again.
//
// In C because `read a field and write another` is 762 instructions: two calls of bound methods alone are 1,062.
#include <stdio.h>
#include <string.h>
#include "py/objtuple.h"
#include "py/cstack.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

enum { KIND_STRUCT, KIND_POINTER, KIND_ARRAY };
enum { TYPE_BITFIELD_FIRST = 8, TYPE_BITFIELD_LAST = 13, TYPE_FLOAT32 = 14 };

static const char type_codes[] = "BbHhIiQqBBHHIIfd";

// One field, taken apart.
typedef struct {
    uint64_t offset, count;     // count: elements of an array
    uint32_t size;              // of the field, or of one element
    uint32_t alignment;
    char code;                  // 0: struct
    bool is_array, is_bitfield, is_signed;
    uint8_t position, width;
    mp_obj_t layout;
} field_t;

// What a whole layout needs.
typedef struct { uint64_t size; uint32_t alignment; } extent_t;

static NORETURN void raise_layout(const char *why) {
    mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("layout: %s"), why);
}

static uint32_t descriptor_of(mp_obj_t value) {
    if (!mp_obj_is_small_int(value)) {
        raise_layout("a field is an int or a tuple");
    }
    return (uint32_t)MP_OBJ_SMALL_INT_VALUE(value);
}

static extent_t extent_of(mp_obj_t layout);

static void parse_scalar(field_t *field, uint32_t descriptor) {
    unsigned type = descriptor >> 27 & 15;
    field->code = type_codes[type];
    field->size = field->alignment = element_size(field->code);
    field->offset = descriptor & 0x07ffffff;
    if (type >= TYPE_BITFIELD_FIRST && type <= TYPE_BITFIELD_LAST) {
        field->is_bitfield = true;
        field->is_signed = type & 1;
        field->width = field->offset >> 22 & 31;
        field->position = field->offset >> 17 & 31;
        field->offset &= 0x1ffff;
        if (field->width == 0 || field->position + field->width > 8 * field->size) {
            raise_layout("a bit-field does not fit its type");
        }
    }
}

static void parse_struct(field_t *field, mp_obj_t layout) {
    extent_t extent = extent_of(layout);
    field->code = 0;
    field->layout = layout;
    field->size = extent.size;
    field->alignment = extent.alignment;
}

static void parse_array(field_t *field, const mp_obj_tuple_t *items) {
    uint32_t descriptor = descriptor_of(items->items[1]);
    field->is_array = true;
    field->count = descriptor & 0x07ffffff;
    if (items->len == 3) {
        parse_struct(field, items->items[2]);
        return;
    }
    unsigned type = descriptor >> 27 & 15;
    if (type >= TYPE_BITFIELD_FIRST && type <= TYPE_BITFIELD_LAST) {
        raise_layout("an array has no bit-fields for elements");
    }
    field->code = type_codes[type];
    field->size = field->alignment = element_size(field->code);
}

static field_t parse(mp_obj_t value) {
    field_t field = { .count = 1 };
    if (!mp_obj_is_type(value, &mp_type_tuple)) {
        parse_scalar(&field, descriptor_of(value));
        return field;
    }
    const mp_obj_tuple_t *items = MP_OBJ_TO_PTR(value);
    if (items->len < 2 || items->len > 3) {
        raise_layout("a tuple has two or three members");
    }
    uint32_t descriptor = descriptor_of(items->items[0]);
    unsigned kind = descriptor >> 29 & 3;
    if (kind == KIND_POINTER) {
        raise_layout("pointers are refused: they lead out of the mapping");
    } else if (kind == KIND_ARRAY) {
        parse_array(&field, items);
    } else if (kind == KIND_STRUCT && items->len == 2) {
        parse_struct(&field, items->items[1]);
    } else {
        raise_layout("a struct is (offset, {...}), an array (offset | ARRAY, length | type) or (offset | ARRAY, length, {...})");
    }
    field.offset = descriptor & 0x1fffffff;
    return field;
}

// Size (a multiple of the alignment, as in C) and alignment of a layout.
static extent_t extent_of(mp_obj_t layout) {
    mp_cstack_check();
    if (!mp_obj_is_dict_or_ordereddict(layout)) {
        raise_layout("a dict of fields, or a class with one in its attribute `layout`");
    }
    extent_t extent = { 0, 1 };
    const mp_map_t *fields = mp_obj_dict_get_map(layout);
    for (size_t i = 0; i < fields->alloc; i++) {
        if (!mp_map_slot_is_filled(fields, i)) {
            continue;
        }
        field_t field = parse(fields->table[i].value);
        if (field.offset % field.alignment != 0) {
            char after[72];
            snprintf(after, sizeof after, " at offset %lu is not aligned to %u bytes", field.offset, field.alignment);
            native_raise_about(&mp_type_ValueError, "layout: field ", fields->table[i].key, after);
        }
        uint64_t end = field.offset + field.count * field.size;
        extent.size = end > extent.size ? end : extent.size;
        extent.alignment = field.alignment > extent.alignment ? field.alignment : extent.alignment;
    }
    extent.size = (extent.size + extent.alignment - 1) & ~(uint64_t)(extent.alignment - 1);
    if (extent.size >> 31 != 0) {
        raise_layout("larger than 2 GiB");
    }
    return extent;
}

mp_obj_t overlay_new(lease_t *lease, mp_obj_t layout, mp_obj_t offset_in, bool writable) {
    uint64_t offset = native_get_below(offset_in, address_space_bytes(), "offset");
    extent_t extent = extent_of(layout);
    view_t *view = view_borrow(lease, &overlay_type, sizeof *view, offset, extent.size, extent.alignment, writable);
    view->layout = layout;
    return MP_OBJ_FROM_PTR(view);
}

mp_obj_t overlay_part(view_t *whole, uint64_t address, uint64_t length, mp_obj_t layout) {
    view_t *view = view_part(whole, &overlay_type, address, length);
    view->layout = layout;
    return MP_OBJ_FROM_PTR(view);
}

// --- fields ---

static uint64_t address_of(const view_t *view, const field_t *field, qstr name) {
    uint64_t length = field->count * field->size;
    if (field->offset > view->length || length > view->length - field->offset || field->offset % field->alignment != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("field %q now lies outside of the view: the layout was changed"), name);
    }
    return view->address + field->offset;
}

static mp_obj_t load_bitfield(const field_t *field, uint64_t bits) {
    uint64_t value = bits >> field->position & ((1UL << field->width) - 1);
    if (field->is_signed && value >> (field->width - 1) != 0) {
        return mp_obj_new_int((mp_int_t)value - (1L << field->width));
    }
    return native_new_u64(value);
}

static mp_obj_t load_field(view_t *view, const field_t *field, uint64_t address) {
    if (field->is_array) {
        return slice_part(view, address, field->count, field->code, field->size, field->layout);
    }
    if (field->code == 0) {
        return overlay_part(view, address, field->size, field->layout);
    }
    if (field->is_bitfield) {
        return load_bitfield(field, MP_OBJ_SMALL_INT_VALUE(element_load(field->code, address)));
    }
    return element_load(field->code, address);
}

// One load and one store of the whole container: not atomic against a device.
static void store_bitfield(const field_t *field, uint64_t address, mp_obj_t value_in) {
    mp_int_t value = (mp_int_t)native_get_u64(value_in);
    mp_int_t lowest = field->is_signed ? -(1L << (field->width - 1)) : 0;
    mp_int_t highest = (1L << (field->width - field->is_signed)) - 1;
    if (value < lowest || value > highest) {
        char after[48];
        snprintf(after, sizeof after, " does not fit a field of %u bits", field->width);
        native_raise_about(&mp_type_OverflowError, "", value_in, after);
    }
    uint64_t mask = ((1UL << field->width) - 1) << field->position;
    uint64_t bits = MP_OBJ_SMALL_INT_VALUE(element_load(field->code, address));
    element_store(field->size, address, (bits & ~mask) | ((uint64_t)value << field->position & mask));
}

static void store_field(const view_t *view, const field_t *field, uint64_t address, mp_obj_t value) {
    if (!view->writable) {
        view_refuse(MP_QSTR_shared, MP_OBJ_FROM_PTR(view), mp_const_none);
    }
    if (field->is_array || field->code == 0) {
        raise_layout("assign to the elements or fields of an array or struct, not to the whole (array[:] = ... does all at once)");
    }
    if (field->is_bitfield) {
        store_bitfield(field, address, value);
    } else {
        element_store(field->size, address, element_bits(field->code, value));
    }
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
    field_t field = parse(found->value);
    uint64_t address = address_of(view, &field, attribute);
    if (load) {
        destination[0] = load_field(view, &field, address);
    } else if (destination[1] != MP_OBJ_NULL) {
        store_field(view, &field, address, destination[1]);
        destination[0] = MP_OBJ_NULL;
    }
}

static void overlay_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {
    (void)kind;
    view_print_common(print, MP_OBJ_TO_PTR(self), "overlay");
}

MP_DEFINE_CONST_OBJ_TYPE(overlay_type, MP_QSTR_Overlay, MP_TYPE_FLAG_NONE, print, overlay_print, attr, overlay_attr);
