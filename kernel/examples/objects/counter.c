/* Counts, by what math.c has. count_all() asks Python for each number: give it the .address of a callback("q(q)"). */
long add3(long a, long b, long c);
static long total;

long count(long number) { return total = add3(total, number, 0); }

long count_all(long numbers, long (*number)(long)) {
    for (long i = 0; i < numbers; i++)
        count(number(i));
    return total;
}
