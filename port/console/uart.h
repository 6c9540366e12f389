// COM1, by interrupts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void uart_init(void);
void uart_interrupt(void);
int uart_receive(void);             // -1 when nothing is there
bool uart_received(void);
void uart_take_early_interrupt(void);
bool uart_unread(uint32_t count);   // the bytes that were received last are to be received again; false: they are gone
void uart_send(const char *text, size_t length);
uint64_t uart_overruns(void);
