// The little of the C library that the interpreter needs and its tree lacks, by 8 bytes or by string instructions.
// Compiled with -fno-builtin, or the compiler would turn these bodies into calls of themselves.
#include <emmintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *to, const void *from, size_t length) {
    void *result = to;
    size_t words = length / 8;
    __asm__ volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    length %= 8;
    __asm__ volatile ("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
    return result;
}

void *memset(void *to, int value, size_t length) {
    void *result = to;
    size_t words = length / 8;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101UL;
    __asm__ volatile ("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    length %= 8;
    __asm__ volatile ("rep stosb" : "+D"(to), "+c"(length) : "a"(pattern) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t length) {
    if ((uintptr_t)to - (uintptr_t)from >= length) {
        return memcpy(to, from, length);
    }
    if (to == from) {   // MicroPython does that with all that lies behind a slice
        return to;
    }
    char *end = (char *)to + length - 1;
    const char *source = (const char *)from + length - 1;
    __asm__ volatile ("std; rep movsb; cld" : "+D"(end), "+S"(source), "+c"(length) : : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t length) {
    const uint8_t *left = a, *right = b;
    for (; length >= 8 && *(const uint64_t *)left == *(const uint64_t *)right; length -= 8) {
        left += 8;
        right += 8;
    }
    for (; length > 0; length--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}

void *memchr(const void *from, int value, size_t length) {
    for (const uint8_t *at = from; length > 0; at++, length--) {
        if (*at == (uint8_t)value) {
            return (void *)at;
        }
    }
    return NULL;
}

size_t strlen(const char *text) {
    // By aligned blocks of 16, which never reach into a page that no byte of the text is on.
    const __m128i *block = (const __m128i *)((uintptr_t)text & ~15UL), zero = _mm_setzero_si128();
    unsigned before = (uintptr_t)text & 15, ends = _mm_movemask_epi8(_mm_cmpeq_epi8(*block, zero)) >> before << before;
    while (ends == 0) {
        ends = _mm_movemask_epi8(_mm_cmpeq_epi8(*++block, zero));
    }
    return (const char *)block + __builtin_ctz(ends) - text;
}

int strncmp(const char *a, const char *b, size_t length) {
    for (; length > 0; a++, b++, length--) {
        if (*a != *b || *a == '\0') {
            return (uint8_t)*a - (uint8_t)*b;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *text, int value) {
    for (;; text++) {
        if (*text == (char)value) {
            return (char *)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}

char *strrchr(const char *text, int value) {
    const char *found = NULL;
    for (; *text != '\0'; text++) {
        if (*text == (char)value) {
            found = text;
        }
    }
    return (char *)(value == '\0' ? text : found);
}

char *strstr(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; *text != '\0' || length == 0; text++) {
        if (strncmp(text, part, length) == 0) {
            return (char *)text;
        }
    }
    return NULL;
}

char *strcpy(char *to, const char *from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char *strncpy(char *to, const char *from, size_t length) {
    size_t copied = 0;
    for (; copied < length && from[copied] != '\0'; copied++) {
        to[copied] = from[copied];
    }
    memset(to + copied, 0, length - copied);
    return to;
}

char *strcat(char *to, const char *from) {
    strcpy(to + strlen(to), from);
    return to;
}

int abs(int value) {
    return value < 0 ? -value : value;
}

// littlefs counts bits; libgcc has this, but is compiled with the red zone.
int __popcountdi2(int64_t value) {
    int count = 0;
    for (uint64_t rest = value; rest != 0; rest &= rest - 1) {
        count++;
    }
    return count;
}

double fabs(double value) {
    return __builtin_signbit(value) ? -value : value;
}

double nan(const char *tag) {
    (void)tag;
    return __builtin_nan("");
}

void sincos(double angle, double *sine, double *cosine) {
    *sine = sin(angle);
    *cosine = cos(angle);
}

static size_t span(const char *text, const char *set, bool inside) {
    size_t length = 0;
    while (text[length] != '\0' && (strchr(set, text[length]) != NULL) == inside) {
        length++;
    }
    return length;
}

size_t strspn(const char *text, const char *set) {
    return span(text, set, true);
}

size_t strcspn(const char *text, const char *set) {
    return span(text, set, false);
}
