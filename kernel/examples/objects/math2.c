/* For `replace math.o math2.o`: counter.o goes on with this one, and with what it has counted. */
long add3(long a, long b, long c) { return a + b + c + 1; }

const char *name(void) { return "addition, and one"; }
