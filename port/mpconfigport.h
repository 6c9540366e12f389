// How MicroPython is configured for Clew. Names and meanings: py/mpconfig.h.
#include <stdint.h>
#include <stddef.h>
#include <alloca.h>
#include "boot/layout.h"

#define MICROPY_CONFIG_ROM_LEVEL            (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)

// Types: x86-64, LP64.
typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX                        (0x7fffffffffffffff)
#define INT_FMT                             "%ld"
#define UINT_FMT                            "%lu"
#define HEX_FMT                             "%lx"
#define MICROPY_LONGINT_IMPL                (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                  (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_FLOAT_USE_NATIVE_FLT16      (0) // would need libgcc, which is compiled with the red zone
#define MP_NEED_LOG2                        (1)

// Memory: a heap that grows by whole areas (port/runtime/heap.c); frames of bytecode calls on their own stack, so that calls work while the heap is locked.
#define MICROPY_ENABLE_GC                   (1)
#define MICROPY_ENABLE_FINALISER            (1)
#define MICROPY_ENABLE_PYSTACK              (1)
#define MICROPY_GC_SPLIT_HEAP               (1)
#define MICROPY_STACK_CHECK                 (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (512)
#define MICROPY_GCREGS_SETJMP               (0)

// Where a name was found last, by the name alone: half of the kernel's time went into looking for names with the 128
// entries that are usual, of which names use every other one only.
#define MICROPY_OPT_MAP_LOOKUP_CACHE        (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE   (8192)
// Room for the names of a module from its beginning: from 1 on a dict grows in many small steps.
#define MICROPY_MODULE_DICT_SIZE            (24)

// A jump behind each opcode, in place of one for all; and front doors for the common cases (port/quick/), which ask
// MicroPython's own functions, under their other names, about the rest.
#define MICROPY_OPT_COMPUTED_GOTO           (1)
#define MICROPY_WRAP_MP_BINARY_OP(name)     name##_of_any
#define MICROPY_WRAP_MP_LOAD_GLOBAL(name)   name##_of_any
#define MICROPY_WRAP_MP_MAP_LOOKUP(name)    name##_of_any

// Compiler and emitters. Finished machine code is copied to the executable alias: see port/runtime/emitted_code.c.
#define MICROPY_EMIT_X64                    (1)
#define MICROPY_PERSISTENT_CODE_LOAD        (1)
void *emitted_code_commit(void *code, size_t length, void *relocations);
#define MP_PLAT_COMMIT_EXEC(code, length, relocations) emitted_code_commit((code), (length), (relocations))

// Console.
#define MICROPY_KBD_EXCEPTION               (1)
#define MICROPY_HAL_HAS_VT100               (0) // ours is port/console/cursor.c
#define MICROPY_HELPER_REPL                 (1)
#define MICROPY_REPL_INFO                   (0)
#define MICROPY_REPL_EMACS_KEYS             (1)
#define MICROPY_REPL_EMACS_WORDS_MOVE       (1)
#define MICROPY_REPL_EMACS_EXTRA_WORDS_MOVE (1)
#define MICROPY_REPL_AUTO_INDENT            (1)
#define MICROPY_READLINE_HISTORY_SIZE       (100)
#define MICROPY_REPL_STDIN_BUFFER_MAX       (4096)
#define MICROPY_PY_SYS_PS1_PS2              (0)
#define MICROPY_BANNER_MACHINE              "Clew with x86-64"
#define MICROPY_HW_BOARD_NAME               "Clew"
#define MICROPY_HW_MCU_NAME                 "x86-64"
#define MICROPY_PY_SYS_PLATFORM             "clew"

// Modules.
#include "port/testing/inject.h"
#define MICROPY_VM_HOOK_LOOP               INJECT_CHECK();
#define MICROPY_VM_HOOK_RETURN             INJECT_CHECK();
#define MICROPY_ENABLE_SCHEDULER            (1)
#define MICROPY_SCHEDULER_DEPTH             (16)
#define MICROPY_SCHEDULER_STATIC_NODES      (1)
#define MICROPY_ENABLE_SOURCE_LINE          (1)
#define MICROPY_WARNINGS                    (1)
#define MICROPY_MEM_STATS                   (0)
#define MICROPY_PY_ALL_SPECIAL_METHODS      (1)
#define MICROPY_PY_REVERSE_SPECIAL_METHODS  (1)
#define MICROPY_PY_BUILTINS_HELP            (1)
#define MICROPY_PY_BUILTINS_HELP_TEXT       clew_help_text
extern const char clew_help_text[];
#define MICROPY_PY_SYS_SETTRACE             (0)
#define MICROPY_PY_SYS_ATEXIT               (1)     // called before a soft reset
#define MICROPY_PY_SYS_STDFILES             (1)
#define MICROPY_PY_SYS_STDIO_BUFFER         (1)
#define MICROPY_PY_SELECT                   (1)
#define MICROPY_PY_THREAD                   (0)
#define MICROPY_PY_SOCKET                   (0)
#define MICROPY_PY_SSL                      (0)
#define MICROPY_PY_BTREE                    (0)
#define MICROPY_PY_CRYPTOLIB                (0)
#define MICROPY_PY_HASHLIB_MD5              (0)
#define MICROPY_PY_HASHLIB_SHA1             (0)
#define MICROPY_PY_OS                       (1)
#define MICROPY_PY_OS_UNAME                 (1)
#define MICROPY_PY_OS_URANDOM               (1)
#define MICROPY_PY_OS_INCLUDEFILE           "port/runtime/modos.c"
#define MICROPY_PY_TIME                     (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS        (1)
#define MICROPY_PY_TIME_INCLUDEFILE         "port/runtime/modtime.c"
#define MICROPY_PY_MACHINE                  (1)
#define MICROPY_PY_MACHINE_RESET            (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (0)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE      "port/runtime/modmachine.c"
#define MICROPY_PY_MACHINE_PULSE            (0)
#define MICROPY_PY_MACHINE_SIGNAL           (0)
#define MICROPY_PY_MACHINE_SOFTI2C          (0)
#define MICROPY_PY_MACHINE_SOFTSPI          (0)
#define MICROPY_PY_MACHINE_I2C              (0)
#define MICROPY_PY_MACHINE_SPI              (0)
#define MICROPY_PY_MACHINE_PIN_BASE         (0)
#define MICROPY_PY_ONEWIRE                  (0)
#define MICROPY_PY_FRAMEBUF                 (1)
#define MICROPY_PY_WEBSOCKET                (0)
#define MICROPY_PY_WEBREPL                  (0)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC    (clock_random_seed())
unsigned long clock_random_seed(void);
#define MICROPY_EPOCH_IS_1970               (1)
#define MICROPY_PY_UCTYPES                  (1)
#define MICROPY_PY_ERRNO                    (1)

// Files: a disk in memory that a soft reset leaves alone, and read-only file systems that a loader brought.
#define MICROPY_VFS                         (1)
#define MICROPY_VFS_ROM                     (1)
#define MICROPY_VFS_ROM_IOCTL               (0)
#define MICROPY_READER_VFS                  (1)
#define MICROPY_FATFS_ENABLE_LFN            (1)
#define MICROPY_FATFS_LFN_CODE_PAGE         437
#define MICROPY_FATFS_RPATH                 (2)
#define MICROPY_FATFS_MAX_SS                (4096)
#define mp_type_fileio                      mp_type_vfs_fat_fileio
#define mp_type_textio                      mp_type_vfs_fat_textio

#define MP_STATE_PORT                       MP_STATE_VM
