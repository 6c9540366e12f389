// How the line editor (shared/readline/readline.c) moves on the screen. Its own way back has room for three digits:
// from column 1000 on it writes behind the end of its buffer.
#include <stdio.h>
#include "py/mphal.h"

void mp_hal_move_cursor_back(unsigned int columns) {
    char command[16];
    int length = snprintf(command, sizeof command, "\x1b[%uD", columns);
    if (columns != 0) {
        mp_hal_stdout_tx_strn(command, length);
    }
}

void mp_hal_erase_line_from_cursor(unsigned int columns) {
    (void)columns;                          // VT100 erases to the end of the line by itself
    mp_hal_stdout_tx_str("\x1b[K");
}
