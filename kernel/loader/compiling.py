"""How an object is compiled: `help load` prints these lines, and the tests compile by them.

No red zone, for interrupts use the stack below the stack pointer; no guards that a C library would have to provide. The
default code model will do, position independent or not; so will -mcmodel=kernel and -mcmodel=large.
"""

C_LINE = "gcc -c -O2 -ffreestanding -mno-red-zone -fno-stack-protector FILE.c"
RUST_LINE = "rustc --emit obj --crate-type lib -O -C no-redzone=y -C panic=abort FILE.rs"
