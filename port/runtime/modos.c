// Included by extmod/modos.c: random bytes. RDRAND where there is one; else a generator seeded by the clock.
#include "port/hardware/cpu.h"

static bool hardware_random(uint64_t *value) {
    if (!(cpu_features.features_1_ecx >> 30 & 1)) {
        return false;
    }
    bool done;
    __asm__ volatile ("rdrand %0; setc %1" : "=r"(*value), "=qm"(done));
    return done;
}

static mp_obj_t mp_os_urandom(mp_obj_t count) {
    static uint64_t state;
    vstr_t bytes;
    vstr_init_len(&bytes, mp_obj_get_int(count));
    for (size_t i = 0; i < bytes.len; i++) {
        uint64_t value;
        if (!hardware_random(&value)) {
            state = (state ^ clock_random_seed()) * 6364136223846793005UL + 1442695040888963407UL;
            value = state >> 32;
        }
        bytes.buf[i] = value;
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
