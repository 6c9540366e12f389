// The language level of the kernel (port/mpconfigport.h), and the x64 emitter for native and viper code.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)
#define MICROPY_EMIT_X64 (1)
#define MICROPY_PY_CRYPTOLIB (0)

#include "variants/mpconfigvariant_common.h"
