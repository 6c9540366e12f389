// Frozen modules: which file or folder a path is. MicroPython compares a path with each name in turn, three times an
// import; here all names and the folders in them are hashed once. port.mk (--wrap) leads the calls here.
//
// Saves (guest instructions): 2.6 million of 21.6 at boot.
#include <string.h>
#include "py/frozenmod.h"
#include "py/qstr.h"

#define SLOTS 2048          // a power of two
#define MOST (SLOTS / 2)    // of files and folders: then every search soon meets an empty slot
#define FOLDER (-1)

extern const char mp_frozen_names[];
extern void *const mp_frozen_mpy_content[];
extern const uint32_t mp_frozen_str_sizes[];
mp_import_stat_t __real_mp_find_frozen_module(const char *path, int *kind, void **data);

typedef struct {
    const char *name;   // not ended by a zero byte
    uint16_t length;
    int16_t index;      // of the module, or FOLDER
} place_t;

static place_t places[SLOTS];
static int known = 0;       // how many of them are taken; -1: there are too many

static place_t *find(const char *name, size_t length) {
    size_t at = qstr_compute_hash((const byte *)name, length) % SLOTS;
    while (places[at].name && (places[at].length != length || memcmp(places[at].name, name, length) != 0)) {
        at = (at + 1) % SLOTS;
    }
    return &places[at];
}

static void add(const char *name, size_t length, int index) {
    place_t *place = find(name, length);
    if (known >= 0 && !place->name) {
        known = known < MOST ? known + 1 : -1;
        *place = (place_t) { name, length, index };
    }
}

static void learn_all(void) {
    const char *name = mp_frozen_names;
    if (mp_frozen_str_sizes[0] != 0) {  // texts are frozen, too, and come first: left to MicroPython
        known = -1;
    }
    for (int index = 0; *name && known >= 0; index++) {
        size_t length = strlen(name);
        for (size_t at = 1; at < length; at++) {
            if (name[at] == '/') {
                add(name, at, FOLDER);
            }
        }
        add(name, length, index);
        name += length + 1;
    }
}

mp_import_stat_t __wrap_mp_find_frozen_module(const char *path, int *kind, void **data) {
    if (known == 0) {
        learn_all();
    }
    place_t *place = known > 0 ? find(path, strlen(path)) : NULL;
    if (!place || !*path) {
        return __real_mp_find_frozen_module(path, kind, data);
    }
    bool is_file = place->name && place->index != FOLDER;
    if (kind) {
        *kind = is_file ? MP_FROZEN_MPY : MP_FROZEN_NONE;
    }
    if (kind && is_file) {
        *data = mp_frozen_mpy_content[place->index];
    }
    return is_file ? MP_IMPORT_STAT_FILE : place->name ? MP_IMPORT_STAT_DIR : MP_IMPORT_STAT_NO_EXIST;
}
