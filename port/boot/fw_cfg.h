// Files that QEMU keeps for whatever it boots. They are reached by ports, so with every loader alike.
#pragma once
#include <stddef.h>

#define FW_CFG_NONE ((size_t)-1)

// Read the start of a file, `capacity` bytes at most. How long all of it is; FW_CFG_NONE if there is none, or no QEMU.
size_t fw_cfg_read(const char *name, char *to, size_t capacity);
