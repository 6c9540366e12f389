// The interrupt descriptor table of the kernel.
#pragma once

void gates_init(void);
