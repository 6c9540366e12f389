// Where the code emitter's output goes: run through the r-x alias at EMITTED_CODE_BASE, and written nowhere but in
// write_protected(), for no mapping of the area is writable. Machine code holds no pointers into Python's heap (constants are
// in tables that the collector sees), hence no scan; the area is given back at a soft reset as a whole.
#include <string.h>
#include "py/persistentcode.h"
#include "py/runtime.h"
#include "boot/layout.h"
#include "port/hardware/instructions.h"
#include "port/runtime/emitted_code.h"

static char area[EMITTED_CODE_BYTES] __attribute__((section(".bss.emitted"), aligned(4096)));
static size_t used;

// No mapping of the area is writable: what is executable must not be. Only here, with CR0.WP off, the kernel writes to it.
static void write_protected(char *to, const void *from, size_t length) {
    uint64_t flags = interrupts_disable();
    uint64_t cr0 = cr0_read();
    cr0_write(cr0 & ~CR0_WP);
    memcpy(to, from, length);
    cr0_write(cr0);
    interrupts_restore(flags);
}

void *emitted_code_commit(void *code, size_t length, void *relocations) {
    size_t room = (length + 15) & ~(size_t)15;
    if (room > sizeof area - used) {
        mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("no room for %u bytes of machine code: a soft reset (Ctrl-D) empties the area"), (unsigned)length);
    }
    char *at = (char *)EMITTED_CODE_BASE + used;
    if (relocations != NULL) {
        mp_native_relocate(relocations, code, (uintptr_t)at);
    }
    write_protected(area + used, code, length);
    used += room;
    return at;
}

void emitted_code_reset(void) {
    used = 0;
}
