// Leases, borrows and views: what `_views` is made of. Rules: the head of _views.c.
#pragma once
#include "py/runtime.h"
#include "port/hardware/instructions.h"

#define RIGHT_WRITE   1
#define RIGHT_EXECUTE 2

typedef struct {
    mp_obj_base_t base;
    uint64_t start, length;     // bytes; both multiples of a page
    uint64_t table;             // physical address of the table that must be active; 0: any will do (kernel's half)
    mp_obj_t record;            // the Record of the mapping; told when a raw buffer is handed out
    mp_obj_t owner;             // whoever holds a view keeps the mapping alive through here
    mp_obj_t ended_by;          // MP_OBJ_NULL while the lease runs
    uintptr_t first;            // ~(address of the first borrow), so that the collector doesn't take it for a reference
    size_t borrows;
    uint8_t rights;
    bool exported;
    bool is_ram;                // for sure: copied as the processor likes; else element by element
    bool for_users;             // user pages, and SMAP keeps everybody off them but what asks for each access
} lease_t;

// A view is a borrow of its own, or lies inside another view and shares that one's borrow (`root`).
typedef struct view {
    mp_obj_base_t base;
    lease_t *lease;
    struct view *root;
    uint64_t address, length;   // bytes
    uint32_t size;              // bytes of one element
    uint32_t running;           // calls of a function that are not over
    char code;                  // typecode of the elements; 0: structs of `layout`
    bool writable, live;
    uintptr_t previous, next;   // neighbours among the lease's borrows, as lease_t.first
    mp_obj_t layout;
    const mp_obj_type_t *part;  // of an element that is a struct
} view_t;

extern const mp_obj_type_t lease_type, slice_type, overlay_type, function_type;

// borrows.c
// Let kernel Python raise what it has under that name (a qstr: _views.set_refuser), if it wants to; `of` and `detail` are
// for its words. view_refuse raises whatever it says.
void view_ask(qstr refusal, mp_obj_t of, mp_obj_t detail);
NORETURN void view_refuse(qstr refusal, mp_obj_t of, mp_obj_t detail);
NORETURN void view_refuse_use(const view_t *view);
// Take bytes [offset, offset + length) of the lease's mapping into a new view of `type` (`bytes` big, at least a view_t).
view_t *view_borrow(lease_t *lease, const mp_obj_type_t *type, size_t bytes, uint64_t offset, uint64_t length, uint64_t alignment, bool writable);
// A part of a view, under the same borrow; the caller has checked that it lies inside.
view_t *view_part(view_t *whole, const mp_obj_type_t *type, uint64_t address, uint64_t length, mp_obj_t layout);
// A raw buffer is handed out: the mapping's record is told, once.
void lease_export(lease_t *lease);
// The attributes and methods that every kind of view has; false if there is no such attribute.
bool view_load_common(view_t *view, qstr attribute, mp_obj_t *destination);
void view_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind);
// Refuses the end of a borrow while the code that it lends runs: a callback could take it away below it.
void view_require_idle(const view_t *view);
// The borrow ends; of a part, its whole view's. Doing it twice is fine.
void view_end(view_t *view);
// The borrows of a lease, newest first; NULL ends them.
view_t *view_first(const lease_t *lease);
view_t *view_after(const view_t *view);
// Views that nobody refers to any more are still borrows until a collection finds them.
void view_collect_forgotten(void);

static inline bool lease_is_usable(const lease_t *lease) {
    return lease->ended_by == MP_OBJ_NULL && (lease->table == 0 || lease->table == (cr3_read() & ~CR3_LOW_BITS));
}
// Every access begins here.
static inline void view_require(const view_t *view) {
    if (!view->root->live || !lease_is_usable(view->lease)) {
        view_refuse_use(view);
    }
}

// Around the accesses that a view is for, and nothing else: a view of user pages means to touch them.
static inline void view_open(const view_t *view) {
    if (view->lease->for_users) {
        user_pages_open();
    }
}
static inline void view_close(const view_t *view) {
    if (view->lease->for_users) {
        user_pages_close();
    }
}
// May others copy from and to its bytes?
static inline bool view_is_plain(const view_t *view) { return view->lease->is_ram && !view->lease->for_users; }

// elements.c. Codes are those of `struct` and `array` but 'O', 'P' and 'S'.
uint32_t element_size(char code);                               // 0: no such code
char element_code(mp_obj_t code);                               // raises for what is no code
mp_obj_t element_load(const view_t *view, char code, uint64_t address); // one instruction
uint64_t element_bits(char code, mp_obj_t value);               // what is stored for a value; raises if it does not fit
mp_obj_t element_value(char code, uint64_t bits);               // the reverse
void element_store(const view_t *view, uint32_t size, uint64_t address, uint64_t bits);    // one instruction

// copying.c
typedef struct { const void *bytes; size_t count; } elements_t;        // where an assignment or a copy comes from, or goes to
void view_require_writable(const view_t *view);
void view_require_elements(const view_t *view);                         // or TypeError: its elements are structs
NORETURN void copying_wrong_length(size_t given, size_t wanted);
// The elements of any source: at most `room`, or exactly so many. All are converted, and devices read, when this is back.
elements_t copying_elements_of(const view_t *view, mp_obj_t source, size_t room, bool exactly);
elements_t copying_of_buffer(const view_t *view, const mp_buffer_info_t *buffer);
// The bytes of another slice or of any buffer; of a slice, no raw buffer is handed out. False if it has none.
bool copying_bytes_of(const view_t *slice, mp_obj_t object, mp_buffer_info_t *buffer, mp_uint_t flags);
// What is at the bytes of a source that copying_bytes_of() found, now: a device is read once, in the width of its own view.
const void *copying_contents_of(const view_t *slice, mp_obj_t source, const mp_buffer_info_t *buffer);
byte *copying_read(const view_t *view, const void *from, size_t length);
// From or to a view's bytes, where nothing faults.
void copying_move(const view_t *view, void *to, const void *from, size_t length);
// Between a view's bytes and a buffer that may fault; the view is what is written to, or read from.
void copying_between(const view_t *view, void *to, const void *from, size_t length, bool into_view);

// slice.c, overlay.c, function.c
mp_obj_t slice_new(lease_t *lease, mp_obj_t code, mp_obj_t offset, mp_obj_t count, bool writable);
mp_obj_t overlay_new(lease_t *lease, mp_obj_t extent, mp_obj_t offset, bool writable);
// An array of elements of `code` or, if that is 0, of structs, which are views of type `part`.
mp_obj_t slice_part(view_t *whole, uint64_t address, uint64_t count, char code, uint32_t size, mp_obj_t layout, const mp_obj_type_t *part);
mp_obj_t function_new(lease_t *lease, const mp_obj_t *arguments);        // as Lease.function() gets them
extern uint32_t functions_running;      // calls of any function that are not over
