// The prompt loop (console.c), and Tab (completion.c); what kernel Python sets up for them: _console.c.
#pragma once
#include "py/obj.h"

// Runs one command line at a time until the console asks for a soft reset.
void console_run(void);

// Tab offers commands while this is true.
extern bool completion_of_commands;
