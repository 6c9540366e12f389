/* What counter.c needs. */
long add3(long a, long b, long c) { return a + b + c; }

const char *name(void) { return "addition"; }
