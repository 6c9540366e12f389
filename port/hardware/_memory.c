// `_memory`: single loads and stores, and whole pages. Contracts: port/typings/_memory.pyi.
// Every access is one instruction of the given width, so that a fault tells the exact address and nothing is torn.
// In C because each is one instruction that no Python has, or a loop of one over a page.
#include <string.h>
#include "boot/layout.h"
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
static mp_obj_t memory_zero_frames(mp_obj_t frame, mp_obj_t count) {
    void *at = window_pointer(native_get_frame(frame));
    uint64_t words = get_count(count) * (PAGE_SIZE / 8);
    __asm__ volatile ("rep stosq" : "+D"(at), "+c"(words) : "a"(0UL) : "memory");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(memory_zero_frames_obj, memory_zero_frames);

// copy_frames(to_frame, from_frame, count): through the physical window.
static mp_obj_t memory_copy_frames(mp_obj_t to_frame, mp_obj_t from_frame, mp_obj_t count) {
    void *to = window_pointer(native_get_frame(to_frame));
    const void *from = window_pointer(native_get_frame(from_frame));
    uint64_t words = get_count(count) * (PAGE_SIZE / 8);
    __asm__ volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(memory_copy_frames_obj, memory_copy_frames);

static mp_obj_t memory_read_bytes(mp_obj_t address, mp_obj_t length_in) {
    size_t length = native_get_below(length_in, 1UL << 32, "length");
    vstr_t bytes;
    vstr_init_len(&bytes, length);
    memcpy(bytes.buf, (const void *)native_get_u64(address), length);
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_2(memory_read_bytes_obj, memory_read_bytes);

static mp_obj_t memory_write_bytes(mp_obj_t address, mp_obj_t data) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(data, &buffer, MP_BUFFER_READ);
    memcpy((void *)native_get_u64(address), buffer.buf, buffer.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(memory_write_bytes_obj, memory_write_bytes);

static const mp_rom_map_elem_t memory_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__memory) },
    { MP_ROM_QSTR(MP_QSTR_load8), MP_ROM_PTR(&memory_load8_obj) },
    { MP_ROM_QSTR(MP_QSTR_load16), MP_ROM_PTR(&memory_load16_obj) },
    { MP_ROM_QSTR(MP_QSTR_load32), MP_ROM_PTR(&memory_load32_obj) },
    { MP_ROM_QSTR(MP_QSTR_load64), MP_ROM_PTR(&memory_load64_obj) },
    { MP_ROM_QSTR(MP_QSTR_store8), MP_ROM_PTR(&memory_store8_obj) },
    { MP_ROM_QSTR(MP_QSTR_store16), MP_ROM_PTR(&memory_store16_obj) },
    { MP_ROM_QSTR(MP_QSTR_store32), MP_ROM_PTR(&memory_store32_obj) },
    { MP_ROM_QSTR(MP_QSTR_store64), MP_ROM_PTR(&memory_store64_obj) },
    { MP_ROM_QSTR(MP_QSTR_zero_frames), MP_ROM_PTR(&memory_zero_frames_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy_frames), MP_ROM_PTR(&memory_copy_frames_obj) },
    { MP_ROM_QSTR(MP_QSTR_read_bytes), MP_ROM_PTR(&memory_read_bytes_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_bytes), MP_ROM_PTR(&memory_write_bytes_obj) },
};
static MP_DEFINE_CONST_DICT(memory_globals, memory_globals_table);
const mp_obj_module_t memory_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&memory_globals };
MP_REGISTER_MODULE(MP_QSTR__memory, memory_module);
