"""The C of the objects that these tests load: two that need each other, and one that could take the place of one."""

MATH = """
long base = 0;
static const char *names[] = { "plus", "minus" };
static int calls;
extern long counted(void);
long add3(long a, long b, long c) { calls++; return base + a + b + c; }
const char *name_of(int i) { return names[i & 1]; }
long how_often(void) { return calls; }
long both(void) { return add3(1, 2, 3) + counted(); }
"""

COUNTER = """
extern long add3(long, long, long);
extern unsigned long strlen(const char *);
extern const char *name_of(int);
extern int missing(void) __attribute__((weak));
extern long base;
static long count = 40;
long (*table[])(long, long, long) = { add3 };
long counted(void) { return ++count; }
long through_table(long a) { return table[0](a, 1, 1) + base; }
long length(int i) { return strlen(name_of(i)); }
long weak(void) { return missing ? missing() : -1; }
long choose(int i) {
    switch (i) {
        case 0: return 5; case 1: return add3(1, 1, 1); case 2: return 11; case 3: return 99;
        case 4: return length(1); case 5: return counted(); default: return 0;
    }
}
double half(double x) { return x * 0.5; }
void die(void) { __builtin_trap(); }
"""

# What can be put in the place of MATH: the product instead of the sum, and the same state.
TIMES = MATH.replace("base + a + b + c", "base + a * b * c")

# A function that somebody calls, and one that calls it.
USED = "static long state = 5; long used(long a) { state++; return a + 1; } long seen(void) { return state; }"
USER = "extern long used(long); long user(long a) { return 10 * used(a); } long other(void) { return 3; }"
