// COM1, by interrupts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void uart_init(void);
void uart_interrupt(void);
int uart_receive(void);             // -1 when nothing is there
bool uart_received(void);
bool uart_is_held(void);            // the ring is full, and the host waits
uint64_t uart_bytes_read(void);
void uart_look_on(void);            // for a Ctrl-C behind what the ring holds; interrupts are off
void uart_set_room(uint64_t bytes); // for tests: so many are kept; 0 is what there is
void uart_take_early_interrupt(void);
uint64_t uart_take_dropped(void);   // how many bytes that were typed ahead nobody will read, since the last call
bool uart_unread(uint32_t count);   // the bytes that were received last are to be received again; false: they are gone
void uart_send(const char *text, size_t length);
uint64_t uart_overruns(void);
