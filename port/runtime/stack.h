// Stacks of Python's that something runs on.
#pragma once

// Show the collector what the stacks that wait hold.
void stacks_collect(void);
