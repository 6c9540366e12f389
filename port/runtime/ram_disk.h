// Memory for files. It is part of the image, so that a soft reset leaves it alone, as a board's flash would be.
#pragma once
#define RAM_DISK_BYTES 0x80000
extern char ram_disk[RAM_DISK_BYTES];
