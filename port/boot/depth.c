// How many levels of tables: four, or five where QEMU was given `-fw_cfg name=opt/clew-paging,string=5` and the CPU has
// LA57.
#include <stdbool.h>
#include "port/boot/depth.h"
#include "port/boot/fw_cfg.h"
#include "port/console/log.h"
#include "port/console/uart.h"
#include "port/faults/panic.h"
#include "port/hardware/instructions.h"

static bool has_five_levels(void) {
    uint32_t out[4];
    cpuid_read(0, 0, out);
    if (out[0] < 7) {
        return false;
    }
    cpuid_read(7, 0, out);
    return out[2] >> 16 & 1;
}

void depth_choose(void) {
    static const char without[] = "clew: this CPU has no LA57, so there are four levels of page tables, not five\r\n";
    char wanted;
    const size_t size = fw_cfg_read("opt/clew-paging", &wanted, sizeof wanted);
    if (size == FW_CFG_NONE) {
        return;
    }
    if (size != 1 || (wanted != '4' && wanted != '5')) {
        boot_refuse("opt/clew-paging must be 4 or 5, the levels of page tables");
    }
    if (wanted == '5' && has_five_levels()) {
        five_levels_enter();
    } else if (wanted == '5') {
        uart_send(without, sizeof without - 1);
        log_print("%s", without);
    }
}
