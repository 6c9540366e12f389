// Tab at the first line of an input: the commands and their arguments, by the hook that _console.set_completer() was
// given; then MicroPython's own completion. port.mk links readline's call of mp_repl_autocomplete to here.
#include <string.h>
#include "py/repl.h"
#include "py/runtime.h"
#include "port/console/console.h"

#define COLUMN_WIDTH 16
#define COLUMNS 4
#define MANY ((size_t)-1)               // readline's word for "I printed a list: show the line again"

size_t __real_mp_repl_autocomplete(const char *text, size_t length, const mp_print_t *print, const char **completion);
bool completion_of_commands;            // true while the line is one that may be a command

// The words that the end of the line can become, or MP_OBJ_NULL. Kept reachable, since readline copies them later.
static mp_obj_t ask_completer(const char *text, size_t length) {
    mp_obj_t completer = MP_STATE_VM(console_completer);
    if (!completion_of_commands || completer == MP_OBJ_NULL || completer == mp_const_none) {
        return MP_OBJ_NULL;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return MP_OBJ_NULL;
    }
    mp_obj_t found = mp_call_function_1(completer, mp_obj_new_str(text, length));
    MP_STATE_VM(console_completions) = found;
    nlr_pop();
    return mp_obj_is_exact_type(found, &mp_type_list) ? found : MP_OBJ_NULL;
}

static size_t last_word_length(const char *text, size_t length) {
    size_t start = length;
    while (start > 0 && text[start - 1] != ' ') {
        start--;
    }
    return length - start;
}

static size_t common_length(const char *first, size_t first_length, const char *other, size_t other_length) {
    size_t length = 0;
    while (length < first_length && length < other_length && first[length] == other[length]) {
        length++;
    }
    return length;
}

static void print_words(const mp_print_t *print, const mp_obj_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *word = mp_obj_str_get_data(words[i], &length);
        mp_print_str(print, i % COLUMNS == 0 ? "\n" : "  ");
        mp_print_strn(print, word, length, PF_FLAG_LEFT_ADJUST, ' ', i % COLUMNS == COLUMNS - 1 || i == count - 1 ? 0 : COLUMN_WIDTH);
    }
    mp_print_str(print, "\n");
}

size_t __wrap_mp_repl_autocomplete(const char *text, size_t length, const mp_print_t *print, const char **completion) {
    mp_obj_t found = ask_completer(text, length);
    if (found == MP_OBJ_NULL) {
        return __real_mp_repl_autocomplete(text, length, print, completion);
    }
    size_t count;
    mp_obj_t *words;
    mp_obj_list_get(found, &count, &words);
    if (count == 0) {
        return 0;
    }
    size_t typed = last_word_length(text, length), common;
    const char *first = mp_obj_str_get_data(words[0], &common);
    for (size_t i = 1; i < count; i++) {
        size_t other_length;
        const char *other = mp_obj_str_get_data(words[i], &other_length);
        common = common_length(first, common, other, other_length);
    }
    if (common > typed || count == 1) {
        *completion = first + typed;
        return common - typed;
    }
    print_words(print, words, count);
    return MANY;
}

MP_REGISTER_ROOT_POINTER(mp_obj_t console_completer);
MP_REGISTER_ROOT_POINTER(mp_obj_t console_completions);
