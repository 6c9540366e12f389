// port/console.c: the prompt loop, and what modules/_console.c sets up for it.
#pragma once
#include "py/obj.h"

// Runs one command line at a time until the console asks for a soft reset.
void console_run(void);

// port/completion.c: Tab offers commands while this is true.
extern bool completion_of_commands;
