// Where the kernel's image lies: the linker's symbols (boot/kernel.ld).
#pragma once
#include <stdint.h>
#include "boot/layout.h"

extern char __image_start[], __image_end[], __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[], __data_end[],
    __emitted_start[], __emitted_end[], __tables_end[];

static inline uint64_t image_physical(const void *address) { return (uint64_t)address - KERNEL_BASE; }
