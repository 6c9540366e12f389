// One element of a view: loaded and stored by one instruction of its width, converted apart from that.
// In C because a load or store must be one instruction of its width: devices notice.
#include "py/binary.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

uint32_t element_size(char code) {
    switch (code) {
        case 'b': case 'B': return 1;
        case 'h': case 'H': case 'e': return 2;
        case 'i': case 'I': case 'f': return 4;
        case 'l': case 'L': case 'q': case 'Q': case 'd': return 8;
    }
    return 0;
}

char element_code(mp_obj_t code) {
    size_t length;
    const char *text = mp_obj_str_get_data(code, &length);
    if (length != 1 || element_size(text[0]) == 0) {
        native_raise_about(&mp_type_ValueError, "typecode is ", code, ": must be one of b B h H i I l L q Q e f d");
    }
    return text[0];
}

static inline uint64_t load_bits(uint32_t size, uint64_t address) {
    switch (size) {
        case 1: return *(volatile uint8_t *)address;
        case 2: return *(volatile uint16_t *)address;
        case 4: return *(volatile uint32_t *)address;
        default: return *(volatile uint64_t *)address;
    }
}

static inline void store_bits(uint32_t size, uint64_t address, uint64_t bits) {
    switch (size) {
        case 1: *(volatile uint8_t *)address = bits; break;
        case 2: *(volatile uint16_t *)address = bits; break;
        case 4: *(volatile uint32_t *)address = bits; break;
        default: *(volatile uint64_t *)address = bits; break;
    }
}

static __attribute__((noinline)) uint64_t load_for_users(uint32_t size, uint64_t address) {
    user_pages_open();
    uint64_t bits = load_bits(size, address);
    user_pages_close();
    return bits;
}

static __attribute__((noinline)) void store_for_users(uint32_t size, uint64_t address, uint64_t bits) {
    user_pages_open();
    store_bits(size, address, bits);
    user_pages_close();
}

void element_store(const view_t *view, uint32_t size, uint64_t address, uint64_t bits) {
    if (view->lease->for_users) {
        store_for_users(size, address, bits);
    } else {
        store_bits(size, address, bits);
    }
}

// Of 'q' and 'Q' MicroPython makes big ints, whatever their value; 'l' and 'L' are as wide.
mp_obj_t element_value(char code, uint64_t bits) {
    byte *at = (byte *)&bits;
    switch (code) {
        case 'e': return mp_binary_get_val('<', code, at, &at);
        case 'q': return mp_obj_new_int((mp_int_t)bits);
        case 'Q': return native_new_u64(bits);
        default: return mp_binary_get_val_array(code, at, 0);
    }
}

mp_obj_t element_load(const view_t *view, char code, uint64_t address) {
    const bool for_users = view->lease->for_users;
    if (code == 'B' && !for_users) {
        return MP_OBJ_NEW_SMALL_INT(*(volatile uint8_t *)address);
    }
    return element_value(code, for_users ? load_for_users(element_size(code), address) : load_bits(element_size(code), address));
}

static NORETURN void raise_overflow(char code, mp_obj_t value) {
    char after[] = " does not fit an element of type ' '";
    after[sizeof after - 3] = code;
    native_raise_about(&mp_type_OverflowError, "", value, after);
}

static bool is_negative(mp_obj_t value) {
    return mp_obj_is_small_int(value) ? MP_OBJ_SMALL_INT_VALUE(value) < 0 : ((mp_obj_int_t *)MP_OBJ_TO_PTR(value))->mpz.neg;
}

uint64_t element_bits(char code, mp_obj_t value) {
    uint64_t bits = 0;
    if (code == 'd' || code == 'f' || code == 'e') {
        byte *at = (byte *)&bits;
        mp_binary_set_val('<', code, value, at, &at);
    } else {
        bits = native_get_u64(value);
        unsigned width = 8 * element_size(code);
        bool is_signed = code >= 'a';
        if (is_negative(value)) {
            if (!is_signed || (int64_t)bits < INT64_MIN >> (64 - width)) {
                raise_overflow(code, value);
            }
        } else if (bits >> (width - 1) >> !is_signed != 0) {
            raise_overflow(code, value);
        }
    }
    return bits;
}
