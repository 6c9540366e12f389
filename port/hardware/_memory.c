// `_memory`: single loads and stores, and whole pages. Contracts: port/typings/_memory.pyi.
// Every access is one instruction of the given width, so that a fault tells the exact address and nothing is torn.
// In C because each is one instruction that no Python has, or a loop of one over a page.
#include <string.h>
#include "boot/layout.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/window.h"
#include "port/runtime/natives.h"

static uint64_t get_aligned(mp_obj_t address_in, unsigned bytes) {
    uint64_t address = native_get_u64(address_in);
    if (address & (bytes - 1)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("address 0x%x%08x is not aligned to %u bytes"),
            (unsigned)(address >> 32), (unsigned)address, bytes);
    }
    return address;
}

#define ACCESS(bits, type) \
    static mp_obj_t memory_load##bits(mp_obj_t address) { \
        return native_new_u64(*(volatile type *)get_aligned(address, bits / 8)); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_1(memory_load##bits##_obj, memory_load##bits); \
    static mp_obj_t memory_store##bits(mp_obj_t address, mp_obj_t value) { \
        uint64_t number = native_get_u64(value); \
        if (bits < 64 && number >> (bits % 64) != 0) { \
            native_raise_about(&mp_type_OverflowError, "", value, " does not fit " #bits " bits"); \
        } \
        *(volatile type *)get_aligned(address, bits / 8) = number; \
        return mp_const_none; \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_2(memory_store##bits##_obj, memory_store##bits)

ACCESS(8, uint8_t);
ACCESS(16, uint16_t);
ACCESS(32, uint32_t);
ACCESS(64, uint64_t);

static uint64_t get_count(mp_obj_t count) {
    return native_get_below(count, 1UL << 40, "count");
}

// zero_frames(frame, count): through the physical window. rep stosq: one counted instruction an iteration under QEMU's
// -icount, 549 a page with its overhead.
NATIVE_2(memory_zero_frames, frame, count) {
    void *at = window_pointer(native_get_frame(frame));
    uint64_t words = get_count(count) * (PAGE_SIZE / 8);
    keys_begin_store();
    __asm__ volatile ("rep stosq" : "+D"(at), "+c"(words) : "a"(0UL) : "memory");
    keys_end_store();
    return mp_const_none;
}

// copy_frames(to_frame, from_frame, count): through the physical window.
NATIVE_3(memory_copy_frames, to_frame, from_frame, count) {
    void *to = window_pointer(native_get_frame(to_frame));
    const void *from = window_pointer(native_get_frame(from_frame));
    uint64_t words = get_count(count) * (PAGE_SIZE / 8);
    keys_begin_store();
    __asm__ volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    keys_end_store();
    return mp_const_none;
}

// As wide as the processor likes; or, with a width, each element by one instruction of so many bytes.
static void copy(void *to, const void *from, size_t length, size_t n_args, const mp_obj_t *arguments) {
    if (n_args == 2) {
        memcpy(to, from, length);
        return;
    }
    uint64_t width = native_get_below(arguments[2], 9, "width");
    if (width == 0 || (width & (width - 1)) || (native_get_u64(arguments[0]) | length) & (width - 1)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the width must be 1, 2, 4 or 8, and address and length multiples of it"));
    }
    elements_copy(to, from, length / width, width);
}

NATIVE_BETWEEN(memory_read_bytes, 2, 3, n_args, arguments) {
    vstr_t bytes;
    vstr_init_len(&bytes, native_get_below(arguments[1], 1UL << 32, "length"));
    copy(bytes.buf, (const void *)native_get_u64(arguments[0]), bytes.len, n_args, arguments);
    return mp_obj_new_bytes_from_vstr(&bytes);
}

NATIVE_BETWEEN(memory_write_bytes, 2, 3, n_args, arguments) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(arguments[1], &buffer, MP_BUFFER_READ);
    copy((void *)native_get_u64(arguments[0]), buffer.buf, buffer.len, n_args, arguments);
    return mp_const_none;
}

NATIVE_MODULE(memory,
    NATIVE(memory, load8), NATIVE(memory, load16), NATIVE(memory, load32), NATIVE(memory, load64),
    NATIVE(memory, store8), NATIVE(memory, store16), NATIVE(memory, store32), NATIVE(memory, store64),
    NATIVE(memory, zero_frames), NATIVE(memory, copy_frames), NATIVE(memory, read_bytes),
    NATIVE(memory, write_bytes));
