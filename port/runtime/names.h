// Room in the tables of names: once, after the boot.
#pragma once

void names_spread(void);
