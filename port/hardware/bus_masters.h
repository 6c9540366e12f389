#pragma once

// No function of the PCI bus reads or writes RAM by itself any more, or interrupts.
void bus_masters_stop(void);
