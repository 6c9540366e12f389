// Copies between views and buffers: of RAM as the processor likes; of what may be a device, element by element, upwards,
// each by one load or store of its width.
// In C because devices notice the width of each access, and a checked byte costs 154 instructions where a copied one costs 1.
#include <string.h>
#include "py/binary.h"
#include "boot/layout.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

void view_require_writable(const view_t *view) {
    view_require(view);
    if (!view->writable) {
        view_refuse(MP_QSTR_shared, MP_OBJ_FROM_PTR(view), mp_const_none);
    }
}

static NORETURN void raise_no_elements(void) {
    mp_raise_TypeError(MP_ERROR_TEXT("elements are structs: take them one by one, and assign to their fields"));
}

void view_require_elements(const view_t *view) {
    if (view->code == 0) {
        raise_no_elements();
    }
}

NORETURN void copying_wrong_length(size_t given, size_t wanted) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d elements for room of %d: nothing was copied"), (int)given, (int)wanted);
}

elements_t copying_of_buffer(const view_t *view, const mp_buffer_info_t *buffer) {
    if (buffer->typecode == 0) {
        raise_no_elements();
    }
    bool raw = buffer->typecode == 'B' || buffer->typecode == BYTEARRAY_TYPECODE;
    if (!raw && buffer->typecode != view->code) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("elements of type '%c' expected, not '%c'"), view->code, buffer->typecode);
    }
    if (buffer->len % view->size != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d bytes are no whole number of elements of type '%c'"), (int)buffer->len, view->code);
    }
    return (elements_t) { buffer->buf, buffer->len / view->size };
}

// All values are converted before the first is stored.
static elements_t of_values(const view_t *view, mp_obj_t values) {
    mp_obj_t list = mp_call_function_1(MP_OBJ_FROM_PTR(&mp_type_list), values);
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(list, &count, &items);
    byte *bytes = m_new(byte, count * view->size);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = element_bits(view->code, items[i]);
        memcpy(bytes + i * view->size, &bits, view->size);
    }
    return (elements_t) { bytes, count };
}

void copying_move(const view_t *view, void *to, const void *from, size_t length) {
    view_open(view);
    if (view->lease->is_ram) {
        memmove(to, from, length);
    } else {
        elements_copy(to, from, length / view->size, view->size);
    }
    view_close(view);
}

byte *copying_read(const view_t *view, const void *from, size_t length) {
    view_require_elements(view);
    byte *bytes = m_new(byte, length);
    copying_move(view, bytes, from, length);
    return bytes;
}

const void *copying_contents_of(const view_t *slice, mp_obj_t source, const mp_buffer_info_t *buffer) {
    const view_t *view = mp_obj_is_type(source, slice->base.type) ? MP_OBJ_TO_PTR(source) : NULL;
    return view == NULL || view_is_plain(view) ? buffer->buf : copying_read(view, buffer->buf, buffer->len);
}

bool copying_bytes_of(const view_t *slice, mp_obj_t object, mp_buffer_info_t *buffer, mp_uint_t flags) {
    if (!mp_obj_is_type(object, slice->base.type)) {
        return mp_get_buffer(object, buffer, flags);
    }
    const view_t *view = MP_OBJ_TO_PTR(object);
    (flags & MP_BUFFER_WRITE ? view_require_writable : view_require)(view);
    *buffer = (mp_buffer_info_t) { (void *)view->address, view->length, view->code };
    return true;
}

elements_t copying_elements_of(const view_t *view, mp_obj_t source, size_t room, bool exactly) {
    mp_buffer_info_t buffer;
    bool has_bytes = copying_bytes_of(view, source, &buffer, MP_BUFFER_READ);
    elements_t elements = has_bytes ? copying_of_buffer(view, &buffer) : of_values(view, source);
    if (exactly ? elements.count != room : elements.count > room) {
        copying_wrong_length(elements.count, room);
    }
    if (has_bytes) {
        elements.bytes = copying_contents_of(view, source, &buffer);
    }
    return elements;
}

// A buffer may lie where a fault handler maps what is missing; handlers are Python, and may end the view or its mapping.
// So what doesn't lie in the kernel's image (Python's first heap) or in the view itself goes by pieces, and the view is
// asked before its bytes are touched.
#define PIECE 512

static bool may_fault(const view_t *view, const void *other, size_t length) {
    uint64_t at = (uint64_t)other;
    return at < KERNEL_BASE && (at + length <= view->address || view->address + view->length <= at);
}

void copying_between(const view_t *view, void *to, const void *from, size_t length, bool into_view) {
    if (!may_fault(view, into_view ? from : to, length)) {
        view_require(view);
        copying_move(view, to, from, length);
        return;
    }
    byte piece[PIECE];
    for (size_t done = 0; done < length; done += PIECE) {
        size_t some = MIN(length - done, PIECE);
        if (into_view) {
            memcpy(piece, (const byte *)from + done, some);
        }
        view_require(view);
        copying_move(view, into_view ? (byte *)to + done : piece, into_view ? piece : (const byte *)from + done, some);
        if (!into_view) {
            memcpy((byte *)to + done, piece, some);
        }
    }
}
