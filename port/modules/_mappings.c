// `_mappings`: what a mapping of many pages does to its tables, each in one call that no Python interrupts.
// Contracts: port/typings/_mappings.pyi. All pages and frames are numbers of 4 KiB; a root is a frame number.
//
// Mapping:    plan() says how many tables are missing (or which page is in the way) and changes nothing;
//             lend() hands over frames for them; map() then can't fail.
// Unmapping:  detach() makes every leaf not-present, or none; the tables themselves remember the frames.
//             After the TLB is flushed, next_run() takes the frames out, run by run, and leaves zeros;
//             prune() cuts off the tables that are empty now; after one more flush pop_table() hands them over.
#include <string.h>
#include "port/runtime/natives.h"
#include "port/ledger/records.h"
#include "port/modules/table_walk.h"
#include "port/console/log.h"
#include "port/runtime/critical.h"

#define FLUSH_ALL_ABOVE 64             // pages: from here on emptying the TLB is cheaper than going page by page
#define NOT_THERE MP_OBJ_NEW_SMALL_INT(-1)

typedef struct {
    uint64_t page, end, frame, flags;
    unsigned limit;                     // largest level of a leaf
    uint64_t tables;                    // planned, or used
    uint64_t *failed;
} job_t;

static uint64_t get_root(mp_obj_t frame) {
    return native_get_frame(frame);
}

// Page numbers are canonical and a range never crosses the hole: work with the 36 bits that the tables see.
static void get_range(job_t *job, mp_obj_t page, mp_obj_t count) {
    job->page = native_get_page(page) >> 12 & 0xfffffffffUL;
    job->end = job->page + native_get_below(count, 1UL << 36, "page count");
    if (job->end > 1UL << 36 || (job->page < 1UL << 35 && job->end > 1UL << 35)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the pages run across the canonical hole"));
    }
}

// --- the last events, for whoever reads a panic ---

#define EVENTS 32
enum { EVENT_MAP, EVENT_UNMAP, EVENT_CHANGE, EVENT_DIVIDE, EVENT_ACTIVATE };
static const char *const event_names[] = { "map", "unmap", "change", "divide", "activate" };
static struct { uint64_t page, count, root, detail; uint8_t kind; } events[EVENTS];
static size_t events_count;

// `detail` is the first frame, or the flag word.
static void note(unsigned kind, uint64_t root, uint64_t page, uint64_t count, uint64_t detail) {
    size_t i = events_count++ % EVENTS;
    events[i].kind = kind;
    events[i].root = root >> 12;
    events[i].page = page >> 35 ? page | 0xffff000000000UL : page;
    events[i].count = count;
    events[i].detail = detail;
}

void mapper_events_print(void) {
    size_t kept = events_count < EVENTS ? events_count : EVENTS;
    for (size_t i = events_count - kept; i < events_count; i++) {
        log_print("mapper event %u: %s, page 0x%lx, %lu pages, root 0x%lx, detail 0x%lx\n", (unsigned)i,
            event_names[events[i % EVENTS].kind], events[i % EVENTS].page, events[i % EVENTS].count, events[i % EVENTS].root,
            events[i % EVENTS].detail);
    }
}

// The last events, oldest first: (name, page, count, root, detail); detail is the first frame, or the flag word.
static mp_obj_t mappings_events(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    size_t end = events_count, kept = end < EVENTS ? end : EVENTS;
    for (size_t i = end - kept; i < end; i++) {
        const char *name = event_names[events[i % EVENTS].kind];
        mp_obj_t items[] = {
            mp_obj_new_str(name, strlen(name)), MP_OBJ_NEW_SMALL_INT(events[i % EVENTS].page), MP_OBJ_NEW_SMALL_INT(events[i % EVENTS].count),
            MP_OBJ_NEW_SMALL_INT(events[i % EVENTS].root), MP_OBJ_NEW_SMALL_INT(events[i % EVENTS].detail)
        };
        mp_obj_list_append(list, mp_obj_new_tuple(5, items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_events_obj, mappings_events);

static void zero(uint64_t frame, uint64_t count) {
    void *at = window_pointer(frame << 12);
    uint64_t words = count * (PAGE_SIZE / 8);
    __asm__ volatile ("rep stosq" : "+D"(at), "+c"(words) : "a"(0UL) : "memory");
}

static void zero_entries(uint64_t *at, uint64_t count) {
    __asm__ volatile ("rep stosq" : "+D"(at), "+c"(count) : "a"(0UL) : "memory");
}

// --- frames for tables ---

#define LOANS_MAX 512
static struct { uint64_t frame, count; } loans[LOANS_MAX];
static size_t loans_count;

static mp_int_t tables_counted;         // lent and not taken back, or not popped yet

static mp_obj_t mappings_lend(mp_obj_t frame, mp_obj_t count) {
    if (loans_count == LOANS_MAX) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("frames for page tables are too scattered"));
    }
    loans[loans_count].frame = native_get_frame(frame) >> 12;
    loans[loans_count].count = native_get_below(count, 1UL << 40, "count");
    tables_counted += loans[loans_count++].count;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_lend_obj, mappings_lend);

static uint64_t take_loan(void) {
    uint64_t frame = loans[loans_count - 1].frame++;
    if (--loans[loans_count - 1].count == 0) {
        loans_count--;
    }
    return frame << 12;
}

static mp_obj_t mappings_take_back(void) {
    if (loans_count == 0) {
        return NOT_THERE;
    }
    tables_counted--;
    return MP_OBJ_NEW_SMALL_INT(take_loan() >> 12);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_take_back_obj, mappings_take_back);

static mp_obj_t mappings_tables(void) { return MP_OBJ_NEW_SMALL_INT(tables_counted); }
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_tables_obj, mappings_tables);

static uint64_t lent(void) {
    uint64_t count = 0;
    for (size_t i = 0; i < loans_count; i++) {
        count += loans[i].count;
    }
    return count;
}

// --- mapping ---

static void advance(job_t *job, uint64_t pages) {
    job->page += pages;
    job->frame += pages;
}

// How many of the pages that are left does the rest of this level-1 table hold?
static uint64_t left_in_table(const job_t *job) {
    uint64_t room = ENTRIES_PER_TABLE - index_at(job->page, 1);
    return job->end - job->page < room ? job->end - job->page : room;
}

// How many leaves of `level` (2 or 3) fit from here on in this table; 0 if not one.
static uint64_t huge_leaves(const job_t *job, unsigned level) {
    if (level > job->limit || ((job->page | job->frame) & (pages_at(level) - 1)) != 0) {
        return 0;
    }
    uint64_t room = ENTRIES_PER_TABLE - index_at(job->page, level), left = (job->end - job->page) / pages_at(level);
    return left < room ? left : room;
}

// Of `count` entries from this one on, how many are not present before the first that is.
static uint64_t absent_run(const uint64_t *entry, uint64_t count) {
    uint64_t i = 0;
    while (i < count && !(entry[i] & ENTRY_PRESENT)) {
        i++;
    }
    return i;
}

static bool plan_leaves(const uint64_t *table, job_t *job) {
    uint64_t count = left_in_table(job);
    if (table != NULL) {
        const uint64_t *at = table + index_at(job->page, 1);
        for (uint64_t i = 0; i < count; i++) {
            if (at[i] & ENTRY_PRESENT) {
                advance(job, i);
                return false;
            }
        }
    }
    advance(job, count);
    return true;
}

// Count the tables that are missing below `table` (NULL: all are). False: something is in the way at job->page.
static bool plan_below(const uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        return plan_leaves(table, job);
    }
    do {
        uint64_t entry = table == NULL ? 0 : table[index_at(job->page, level)];
        bool present = entry & ENTRY_PRESENT;
        if (present && level < ROOT_LEVEL && (entry & ENTRY_HUGE)) {
            return false;
        }
        uint64_t leaves = present ? 0 : huge_leaves(job, level);
        if (leaves > 0) {
            leaves = table == NULL ? leaves : absent_run(&table[index_at(job->page, level)], leaves);
            advance(job, leaves * pages_at(level));
            continue;
        }
        job->tables += !present;
        if (!plan_below(present ? table_of(entry) : NULL, level - 1, job)) {
            return false;
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
    return true;
}

// What map() may rely on: the last plan. Anything that changes tables in between would have to come from a second
// processor, or from a caller that does not hold the guard.
static job_t planned;
static uint64_t planned_root;

static mp_int_t make_plan(uint64_t root, const job_t *wanted) {
    job_t job = *wanted;
    planned_root = 0;
    if (job.page < job.end && !plan_below(table_of(root), ROOT_LEVEL, &job)) {
        return -1 - (mp_int_t)(job.page - wanted->page);
    }
    planned = *wanted;
    planned.tables = job.tables;
    planned_root = root;
    return job.tables;
}

static mp_obj_t mappings_plan(size_t n, const mp_obj_t *arguments) {
    job_t job = { .frame = native_get_frame(arguments[2]) >> 12, .limit = native_get_below(arguments[4], 4, "level") };
    get_range(&job, arguments[1], arguments[3]);
    return MP_OBJ_NEW_SMALL_INT(make_plan(get_root(arguments[0]), &job));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_plan_obj, 5, 5, mappings_plan);

static void fill(uint64_t *at, uint64_t entry, uint64_t count) {
    for (; count >= 8; count -= 8, at += 8, entry += 8 * PAGE_SIZE) {
        at[0] = entry;
        at[1] = entry + PAGE_SIZE;
        at[2] = entry + 2 * PAGE_SIZE;
        at[3] = entry + 3 * PAGE_SIZE;
        at[4] = entry + 4 * PAGE_SIZE;
        at[5] = entry + 5 * PAGE_SIZE;
        at[6] = entry + 6 * PAGE_SIZE;
        at[7] = entry + 7 * PAGE_SIZE;
    }
    for (; count > 0; count--, entry += PAGE_SIZE) {
        *at++ = entry;
    }
}

static void map_below(uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        uint64_t count = left_in_table(job);
        fill(table + index_at(job->page, 1), job->frame << 12 | leaf_bits(job->flags, 1), count);
        advance(job, count);
        return;
    }
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        uint64_t leaves = *entry & ENTRY_PRESENT ? 0 : huge_leaves(job, level);
        if (*entry & ENTRY_PRESENT) {
            map_below(table_of(*entry), level - 1, job);
        } else if (leaves > 0) {
            uint64_t value = job->frame << 12 | leaf_bits(job->flags, level), step = pages_at(level) << 12;
            leaves = absent_run(entry, leaves);
            for (uint64_t i = 0; i < leaves; i++, value += step) {
                entry[i] = value;
            }
            advance(job, leaves * pages_at(level));
        } else {
            // Cleared and filled before it is linked; a level-1 table that is filled whole needs no clearing.
            uint64_t lower_half = job->page >> 35 ? 0 : ENTRY_USER;
            uint64_t child = take_loan();
            if (level != 2 || left_in_table(job) != ENTRIES_PER_TABLE) {
                zero_entries(table_of(child), ENTRIES_PER_TABLE);
            }
            map_below(table_of(child), level - 1, job);
            *entry = child | ENTRY_PRESENT | ENTRY_WRITABLE | lower_half;
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
}

static void map_planned(uint64_t root, uint64_t flags) {
    job_t job = planned;
    job.flags = flags;
    planned_root = 0;
    note(EVENT_MAP, root, job.page, job.end - job.page, job.frame);
    if (job.page < job.end) {
        map_below(table_of(root), ROOT_LEVEL, &job);
    }
}

// Do what plan() planned. The caller has lent the frames that it asked for.
static mp_obj_t mappings_map(mp_obj_t root_in, mp_obj_t flags_in) {
    uint64_t root = get_root(root_in), flags = native_get_below(flags_in, WORD_LIMIT, "flag word");
    if (planned_root != root || planned.tables > lent()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("map() without its plan()"));
    }
    map_planned(root, flags);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_map_obj, mappings_map);

// begin() makes a Record that says nothing yet and enters the guard (_critical); None when lost mappings wait to be
// reclaimed first, or for so many pages that huge ones could be used. The guard is left
// by the map_record() that succeeds, and otherwise by the caller: two calls less in the hottest path.
static mp_obj_t mappings_begin(mp_obj_t count) {
    if (records_have_lost() || native_get_below(count, 1UL << 40, "page count") >= ENTRIES_PER_TABLE) {
        return mp_const_none;
    }
    critical_require_room();
    mp_obj_t record = record_new();
    critical_hold();
    return record;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_begin_obj, mappings_begin);

// The common case in one call, for a Record from begin(): map `count` pages from the first of `page_run` on to
// as many frames just taken (runs are first << 1 | clean; the frames are cleared unless they are), in 4 KiB pages.
// A negative run (nothing was free) is answered with -1. Returns 0: done, the record is armed, the guard left. Or what
// plan() returned (unless as many tables are lent): nothing has happened.
static mp_obj_t mappings_map_record(size_t n, const mp_obj_t *arguments) {
    record_t *record = record_of(arguments[0]);
    mp_int_t page_run = mp_obj_get_int(arguments[2]), frame_run = mp_obj_get_int(arguments[3]);
    if (page_run < 0 || frame_run < 0) {
        return NOT_THERE;
    }
    uint64_t root = get_root(arguments[1]), run = frame_run, page = page_run >> 1, count = native_get_below(arguments[4], 1UL << 36, "page count");
    uint64_t flags = native_get_below(arguments[5], WORD_LIMIT, "flag word") & ~ENTRY_ACCESSED_DIRTY;
    job_t job = { .page = page & 0xfffffffffUL, .frame = run >> 1, .limit = 1 };
    job.end = job.page + count;
    if (record == NULL) {
        mp_raise_TypeError(MP_ERROR_TEXT("a Record expected"));
    }
    mp_int_t answer = make_plan(root, &job);
    if (answer >= 0 && (uint64_t)answer <= lent()) {
        answer = 0;
        if (!(run & 1)) {
            zero(job.frame, count);
        }
        record->root = root >> 12;
        record->first_page = page;
        record->count = count;
        record->flags = flags;
        record->kind = KIND_EXCLUSIVE;
        map_planned(root, flags | ENTRY_EXCLUSIVE >> 40);
        record_arm_now(record);
        critical_release();
    }
    return MP_OBJ_NEW_SMALL_INT(answer);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_map_record_obj, 6, 6, mappings_map_record);

static bool callback_waits;             // somebody wants to be told of every flush

// --- whole leaves of a range ---

typedef bool (*leaf_function_t)(uint64_t *entry, unsigned level, job_t *job);

// Call `function` for the leaf entry of every part of the range, present or not. False: it said so, or a huge leaf
// sticks out of the range, or a table is missing (job->page says where).
static bool each_leaf(uint64_t *table, unsigned level, job_t *job, leaf_function_t function) {
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        if (level == 1 || (level < ROOT_LEVEL && (*entry & ENTRY_HUGE))) {
            uint64_t pages = pages_at(level);
            if ((job->page & (pages - 1)) != 0 || job->end - job->page < pages || !function(entry, level, job)) {
                return false;
            }
            job->page += pages;
        } else if (!(*entry & ENTRY_PRESENT) || !each_leaf(table_of(*entry), level - 1, job, function)) {
            return false;
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
    return true;
}

// The same for present leaves, at the price of one test for most of them: eight entries at a time.
static bool all_present(uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        uint64_t count = left_in_table(job), i = 0;
        const uint64_t *at = table + index_at(job->page, 1);
        for (; i + 8 <= count; i += 8) {
            if (!(at[i] & at[i + 1] & at[i + 2] & at[i + 3] & at[i + 4] & at[i + 5] & at[i + 6] & at[i + 7] & ENTRY_PRESENT)) {
                break;
            }
        }
        for (; i < count && (at[i] & ENTRY_PRESENT); i++) {
        }
        job->page += i;
        return i == count;
    }
    do {
        uint64_t entry = table[index_at(job->page, level)];
        if (!(entry & ENTRY_PRESENT)) {
            return false;
        }
        if (level < ROOT_LEVEL && (entry & ENTRY_HUGE)) {
            uint64_t pages = pages_at(level);
            if ((job->page & (pages - 1)) != 0 || job->end - job->page < pages) {
                return false;
            }
            job->page += pages;
        } else if (!all_present(table_of(entry), level - 1, job)) {
            return false;
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
    return true;
}

// Offset of the first page of the range that is not mapped by a leaf of its own, or -1.
static mp_int_t first_absent(uint64_t *root, const job_t *job) {
    job_t check = *job;
    if (job->page >= job->end || all_present(root, ROOT_LEVEL, &check)) {
        return -1;
    }
    return check.page - job->page;
}

static mp_obj_t mappings_first_absent(size_t n, const mp_obj_t *arguments) {
    job_t job = { 0 };
    get_range(&job, arguments[1], arguments[2]);
    return MP_OBJ_NEW_SMALL_INT(first_absent(table_of(get_root(arguments[0])), &job));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_first_absent_obj, 3, 3, mappings_first_absent);

// --- unmapping ---

static void detach_below(uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        uint64_t count = left_in_table(job), i = 0;
        uint64_t *at = table + index_at(job->page, 1);
        for (; i + 8 <= count; i += 8) {
            at[i] &= ~ENTRY_PRESENT;
            at[i + 1] &= ~ENTRY_PRESENT;
            at[i + 2] &= ~ENTRY_PRESENT;
            at[i + 3] &= ~ENTRY_PRESENT;
            at[i + 4] &= ~ENTRY_PRESENT;
            at[i + 5] &= ~ENTRY_PRESENT;
            at[i + 6] &= ~ENTRY_PRESENT;
            at[i + 7] &= ~ENTRY_PRESENT;
        }
        for (; i < count; i++) {
            at[i] &= ~ENTRY_PRESENT;
        }
        job->page += count;
        return;
    }
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        if (level < ROOT_LEVEL && (*entry & ENTRY_HUGE)) {
            *entry &= ~ENTRY_PRESENT;
            job->page += pages_at(level);
        } else {
            detach_below(table_of(*entry), level - 1, job);
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
}

static job_t harvest;                   // what is detached and not yet taken out
static uint64_t harvest_root;
static uint64_t run_frame, run_count;

static mp_obj_t mappings_detach(size_t n, const mp_obj_t *arguments) {
    job_t job = { 0 };
    get_range(&job, arguments[1], arguments[2]);
    uint64_t root = get_root(arguments[0]);
    if (harvest.page < harvest.end) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("detach() before the last one was harvested"));
    }
    mp_int_t absent = first_absent(table_of(root), &job);
    if (absent < 0 && job.page < job.end) {
        harvest = job;
        note(EVENT_UNMAP, root, job.page, job.end - job.page, 0);
        harvest_root = root;
        detach_below(table_of(root), ROOT_LEVEL, &job);
    }
    return MP_OBJ_NEW_SMALL_INT(absent);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_detach_obj, 3, 3, mappings_detach);

static bool harvest_leaf(uint64_t *entry, unsigned level, job_t *job) {
    uint64_t frame = frame_of_leaf(*entry, level);
    if (run_count != 0 && frame != run_frame + run_count) {
        return false;
    }
    if (run_count == 0) {
        run_frame = frame;
    }
    run_count += pages_at(level);
    *entry = 0;
    return true;
}

// How many entries from `at` on lead to touching frames, the first to `address`; eight at a time.
static uint64_t touching(const uint64_t *at, uint64_t count, uint64_t address) {
    uint64_t i = 0;
    for (; i + 8 <= count; i += 8, address += 8 * PAGE_SIZE) {
        uint64_t differ = (at[i] ^ address) | (at[i + 1] ^ (address + PAGE_SIZE)) | (at[i + 2] ^ (address + 2 * PAGE_SIZE))
            | (at[i + 3] ^ (address + 3 * PAGE_SIZE)) | (at[i + 4] ^ (address + 4 * PAGE_SIZE)) | (at[i + 5] ^ (address + 5 * PAGE_SIZE))
            | (at[i + 6] ^ (address + 6 * PAGE_SIZE)) | (at[i + 7] ^ (address + 7 * PAGE_SIZE));
        if (differ & ENTRY_ADDRESS) {
            break;
        }
    }
    for (; i < count && (at[i] & ENTRY_ADDRESS) == address; i++, address += PAGE_SIZE) {
    }
    return i;
}

static bool harvest_below(uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        uint64_t count = left_in_table(job);
        uint64_t *at = table + index_at(job->page, 1);
        if (run_count == 0) {
            run_frame = frame_of_leaf(*at, 1);
        }
        uint64_t i = touching(at, count, (run_frame + run_count) << 12);
        zero_entries(at, i);
        run_count += i;
        job->page += i;
        return i == count;
    }
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        if (level < ROOT_LEVEL && (*entry & ENTRY_HUGE)) {
            if (!harvest_leaf(entry, level, job)) {
                return false;
            }
            job->page += pages_at(level);
        } else if (!harvest_below(table_of(*entry), level - 1, job)) {
            return false;
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
    return true;
}

static mp_obj_t mappings_next_run(void) {
    run_count = 0;
    if (harvest.page >= harvest.end) {
        return NOT_THERE;
    }
    harvest_below(table_of(harvest_root), ROOT_LEVEL, &harvest);
    return MP_OBJ_NEW_SMALL_INT(run_frame);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_next_run_obj, mappings_next_run);

static mp_obj_t mappings_run_length(void) { return MP_OBJ_NEW_SMALL_INT(run_count); }
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_run_length_obj, mappings_run_length);

// --- reading runs without taking them ---

static bool count_run(uint64_t *entry, unsigned level, job_t *job) {
    if (!(*entry & ENTRY_PRESENT)) {
        return false;
    }
    uint64_t frame = frame_of_leaf(*entry, level);
    job->tables += job->tables == 0 || frame != job->frame;
    job->frame = frame + pages_at(level);
    return true;
}

// How many runs of touching frames the range is mapped to; -1 - offset of the first page that is not mapped.
static mp_obj_t mappings_count_runs(size_t n, const mp_obj_t *arguments) {
    job_t job = { 0 };
    get_range(&job, arguments[1], arguments[2]);
    uint64_t first = job.page;
    if (job.page < job.end && !each_leaf(table_of(get_root(arguments[0])), ROOT_LEVEL, &job, count_run)) {
        return MP_OBJ_NEW_SMALL_INT(-1 - (mp_int_t)(job.page - first));
    }
    return MP_OBJ_NEW_SMALL_INT(job.tables);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_count_runs_obj, 3, 3, mappings_count_runs);

// The leaf that maps a page: its entry and level, or NULL.
static uint64_t *find_leaf(uint64_t root, uint64_t page, unsigned *level) {
    uint64_t *table = table_of(root);
    for (*level = ROOT_LEVEL;; (*level)--) {
        uint64_t *entry = &table[index_at(page, *level)];
        if (!(*entry & ENTRY_PRESENT)) {
            return NULL;
        }
        if (*level == 1 || (*level < ROOT_LEVEL && (*entry & ENTRY_HUGE))) {
            return entry;
        }
        table = table_of(*entry);
    }
}

static mp_obj_t mappings_frame_at(mp_obj_t root, mp_obj_t page_in) {
    unsigned level;
    uint64_t page = native_get_page(page_in) >> 12 & 0xfffffffffUL;
    const uint64_t *entry = find_leaf(get_root(root), page, &level);
    return entry == NULL ? NOT_THERE : MP_OBJ_NEW_SMALL_INT(frame_of_leaf(*entry, level) + (page & (pages_at(level) - 1)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_frame_at_obj, mappings_frame_at);

// Level and flag word of the leaf that maps a page, as flags << 4 | level, or -1.
static mp_obj_t mappings_leaf_at(mp_obj_t root, mp_obj_t page) {
    unsigned level;
    const uint64_t *entry = find_leaf(get_root(root), native_get_page(page) >> 12 & 0xfffffffffUL, &level);
    return entry == NULL ? NOT_THERE : MP_OBJ_NEW_SMALL_INT(word_of_leaf(*entry, level) << 4 | level);
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_leaf_at_obj, mappings_leaf_at);

// --- empty tables ---

static uint64_t emptied;                // physical address of the first one; each holds the address of the next

static bool is_empty(const uint64_t *table) {
    for (size_t i = 0; i < ENTRIES_PER_TABLE; i += 8) {
        if (table[i] | table[i + 1] | table[i + 2] | table[i + 3] | table[i + 4] | table[i + 5] | table[i + 6] | table[i + 7]) {
            return false;
        }
    }
    return true;
}

static void prune_below(uint64_t *table, unsigned level, job_t *job) {
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        uint64_t next = (job->page | (pages_at(level) - 1)) + 1;
        bool cleared_whole = level == 2 && (job->page & 511) == 0 && next <= job->end;
        if ((*entry & ENTRY_PRESENT) && !(level < ROOT_LEVEL && (*entry & ENTRY_HUGE))) {
            uint64_t *child = table_of(*entry);
            if (level > 2) {
                prune_below(child, level - 1, job);
            }
            if (!(level == ROOT_LEVEL && index_at(next - 1, level) >= FIRST_SHARED_INDEX) && (cleared_whole || is_empty(child))) {
                uint64_t address = *entry & ENTRY_ADDRESS;
                *entry = 0;
                child[0] = emptied;
                emptied = address;
                job->tables++;
            }
        }
        job->page = next;
    } while (job->page < job->end && index_at(job->page, level) != 0);
}

static mp_int_t prune(uint64_t root, const job_t *range, uint64_t address) {
    job_t job = *range;
    job.tables = 0;
    if (job.page < job.end) {
        prune_below(table_of(root), ROOT_LEVEL, &job);
        // One INVLPG empties the paging-structure caches, whatever its address (SDM, "Operations that Invalidate TLBs
        // and Paging-Structure Caches").
        page_invalidate(address);
    }
    return job.tables;
}

static mp_obj_t mappings_prune(size_t n, const mp_obj_t *arguments) {
    job_t job = { 0 };
    get_range(&job, arguments[1], arguments[2]);
    return MP_OBJ_NEW_SMALL_INT(prune(get_root(arguments[0]), &job, native_get_page(arguments[1])));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_prune_obj, 3, 3, mappings_prune);

static mp_obj_t mappings_pop_table(void) {
    if (emptied == 0) {
        return NOT_THERE;
    }
    uint64_t address = emptied, *table = table_of(address);
    emptied = table[0];
    table[0] = 0;
    tables_counted--;
    return MP_OBJ_NEW_SMALL_INT(address >> 12);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_pop_table_obj, mappings_pop_table);

// The common case in one call: the record's mapping is exclusive, in the kernel's half and in one run of frames, no view
// was made of it (its lease is None), nothing was exported, no callback waits. Unmapped, flushed, its empty tables cut
// off, and the guard (_critical) entered: returns
// first frame << 1 | whether pop_table() has tables, and finish() is to be called when all has been given back.
// Returns NOT_SIMPLE, and has changed nothing, when detach() and all that follows has to be called.
#define NOT_SIMPLE MP_OBJ_NEW_SMALL_INT(-1)

static mp_obj_t mappings_set_callback_waits(mp_obj_t waits) {
    callback_waits = mp_obj_is_true(waits);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_set_callback_waits_obj, mappings_set_callback_waits);

// The end of what unmap_simple() began: the record ends, the guard is left.
static mp_obj_t mappings_finish(mp_obj_t record) {
    record_end_now(record);
    critical_release();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_finish_obj, mappings_finish);

static mp_obj_t mappings_unmap_simple(mp_obj_t record_in, mp_obj_t lease) {
    const record_t *record = record_of(record_in);
    if (record == NULL || lease != mp_const_none || record->kind != KIND_EXCLUSIVE || record->exported || record->count > FLUSH_ALL_ABOVE
        || record->count == 0 || harvest.page < harvest.end || callback_waits || !(record->first_page >> 51)) {
        return NOT_SIMPLE;
    }
    critical_require_room();
    uint64_t root = record->root << 12, page = record->first_page & 0xfffffffffUL;
    unsigned level;
    const uint64_t *entry = find_leaf(root, page, &level);
    if (entry == NULL || level != 1 || index_at(page, 1) + record->count > ENTRIES_PER_TABLE) {
        return NOT_SIMPLE;
    }
    uint64_t *at = (uint64_t *)entry;
    uint64_t first = *at & ENTRY_ADDRESS;
    for (uint64_t i = 0; i < record->count; i++) {
        if (!(at[i] & ENTRY_PRESENT) || (at[i] & ENTRY_ADDRESS) != first + i * PAGE_SIZE) {
            return NOT_SIMPLE;
        }
    }
    note(EVENT_UNMAP, root, page, record->count, first >> 12);
    uint64_t address = record->first_page << 12;
    for (uint64_t i = 0; i < record->count; i++) {
        at[i] = 0;
        page_invalidate(address + i * PAGE_SIZE);
    }
    job_t job = { .page = page, .end = page + record->count };
    if (is_empty(at - index_at(page, 1))) {
        prune(root, &job, address);
    }
    critical_hold();
    return MP_OBJ_NEW_SMALL_INT(first >> 12 << 1 | (emptied != 0));
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_unmap_simple_obj, mappings_unmap_simple);

// --- rights ---

#define KEPT (ENTRY_ADDRESS | ENTRY_ACCESSED_DIRTY)

static void change_below(uint64_t *table, unsigned level, job_t *job) {
    if (level == 1) {
        uint64_t count = left_in_table(job), bits = leaf_bits(job->flags, 1);
        uint64_t *at = table + index_at(job->page, 1);
        for (uint64_t i = 0; i < count; i++) {
            at[i] = (at[i] & KEPT) | bits;
        }
        job->page += count;
        return;
    }
    do {
        uint64_t *entry = &table[index_at(job->page, level)];
        if (level < ROOT_LEVEL && (*entry & ENTRY_HUGE)) {
            *entry = (*entry & KEPT & ~ENTRY_PAT_HUGE) | leaf_bits(job->flags, level);
            job->page += pages_at(level);
        } else {
            change_below(table_of(*entry), level - 1, job);
        }
    } while (job->page < job->end && index_at(job->page, level) != 0);
}

// Give every leaf of the range these flags; frames, ACCESSED and DIRTY stay. -1, or the offset of the first page that
// is not mapped by a leaf inside the range: then nothing has changed.
static mp_obj_t mappings_change(size_t n, const mp_obj_t *arguments) {
    job_t job = { .flags = native_get_below(arguments[3], WORD_LIMIT, "flag word") };
    get_range(&job, arguments[1], arguments[2]);
    uint64_t *root = table_of(get_root(arguments[0]));
    mp_int_t absent = first_absent(root, &job);
    if (absent < 0 && job.page < job.end) {
        note(EVENT_CHANGE, get_root(arguments[0]), job.page, job.end - job.page, job.flags);
        change_below(root, ROOT_LEVEL, &job);
    }
    return MP_OBJ_NEW_SMALL_INT(absent);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_change_obj, 4, 4, mappings_change);

// --- dividing a huge leaf ---

static unsigned tables_to_divide(uint64_t root, uint64_t page) {
    unsigned level;
    uint64_t *entry = find_leaf(root, page, &level);
    if (entry == NULL || (page & (pages_at(level) - 1)) == 0) {
        return 0;
    }
    return level == 3 && (page & (pages_at(2) - 1)) != 0 ? 2 : 1;
}

static mp_obj_t mappings_plan_divide(mp_obj_t root, mp_obj_t page) {
    return MP_OBJ_NEW_SMALL_INT(tables_to_divide(get_root(root), native_get_page(page) >> 12 & 0xfffffffffUL));
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_plan_divide_obj, mappings_plan_divide);

// The table that maps what `entry`, a huge leaf of `level`, maps, one level down.
static uint64_t divided(uint64_t entry, unsigned level) {
    uint64_t child = take_loan(), bits = entry & ~(ENTRY_ADDRESS | ENTRY_HUGE);
    if (level == 2) {
        bits |= entry & ENTRY_PAT_HUGE ? ENTRY_HUGE : 0;
    } else {
        bits |= ENTRY_HUGE | (entry & ENTRY_PAT_HUGE);
    }
    uint64_t address = frame_of_leaf(entry, level) << 12;
    for (uint64_t i = 0; i < ENTRIES_PER_TABLE; i++) {
        table_of(child)[i] = (address + (i * pages_at(level - 1) << 12)) | bits;
    }
    return child;
}

// Make a leaf begin at `page`, where the inside of a huge one is. Translations and rights stay what they are.
static mp_obj_t mappings_divide(mp_obj_t root_in, mp_obj_t page_in) {
    uint64_t root = get_root(root_in), page = native_get_page(page_in) >> 12 & 0xfffffffffUL;
    unsigned needed = tables_to_divide(root, page);
    if (needed > lent()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("divide() without its plan_divide()"));
    }
    note(EVENT_DIVIDE, root, page, needed, 0);
    for (unsigned i = 0; i < needed; i++) {
        unsigned level;
        uint64_t *entry = find_leaf(root, page, &level);
        uint64_t parent = ENTRY_PRESENT | ENTRY_WRITABLE | (page >> 35 ? 0 : ENTRY_USER);
        *entry = divided(*entry, level) | parent;
    }
    return MP_OBJ_NEW_SMALL_INT(needed);
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_divide_obj, mappings_divide);

// --- frames, through the window ---

static mp_obj_t mappings_zero_frames(mp_obj_t frame, mp_obj_t count) {
    zero(native_get_frame(frame) >> 12, native_get_below(count, 1UL << 40, "count"));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_zero_frames_obj, mappings_zero_frames);

// --- the TLB ---


// Invalidate what the TLB holds of a range: page by page, or all of it when that is cheaper.
static mp_obj_t mappings_flush(mp_obj_t page_in, mp_obj_t count_in, mp_obj_t global) {
    uint64_t address = native_get_page(page_in), count = native_get_below(count_in, 1UL << 36, "page count");
    if (count > FLUSH_ALL_ABOVE && mp_obj_is_true(global)) {
        cr4_write(cr4_read() ^ CR4_PGE);
        cr4_write(cr4_read() ^ CR4_PGE);
    } else if (count > FLUSH_ALL_ABOVE) {
        cr3_write(cr3_read());
    } else {
        for (; count > 0; count--, address += PAGE_SIZE) {
            page_invalidate(address);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(mappings_flush_obj, mappings_flush);

// A soft reset can come in the middle of anything: forget it.
void mappings_reset(void) {
    loans_count = 0;
    harvest.page = harvest.end = 0;
    emptied = 0;
    tables_counted = 0;
    callback_waits = false;
    planned_root = 0;
    events_count = 0;
}

static mp_obj_t mappings_flush_everything(void) {
    cr4_write(cr4_read() ^ CR4_PGE);
    cr4_write(cr4_read() ^ CR4_PGE);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_flush_everything_obj, mappings_flush_everything);

// Say in the log that somebody wanted pages writable and executable at once, and why.
static mp_obj_t mappings_log_override(mp_obj_t reason, mp_obj_t page, mp_obj_t count) {
    log_print("memory: %u pages at 0x%lx are writable and executable: %s\n", (unsigned)mp_obj_get_int(count), native_get_page(page),
        mp_obj_str_get_str(reason));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(mappings_log_override_obj, mappings_log_override);

// Cut off every table of a root's lower half, whatever it maps; pop_table() hands them over, and they are not clean.
static void dismantle_below(uint64_t *table, unsigned level, size_t entries) {
    for (size_t i = 0; i < entries; i++) {
        uint64_t entry = table[i];
        if (!(entry & ENTRY_PRESENT) || (level < ROOT_LEVEL && (entry & ENTRY_HUGE))) {
            continue;
        }
        if (level > 2) {
            dismantle_below(table_of(entry), level - 1, ENTRIES_PER_TABLE);
        }
        table[i] = 0;
        table_of(entry)[0] = emptied;
        emptied = entry & ENTRY_ADDRESS;
    }
}

static mp_obj_t mappings_dismantle(mp_obj_t root) {
    dismantle_below(table_of(get_root(root)), ROOT_LEVEL, FIRST_SHARED_INDEX);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_dismantle_obj, mappings_dismantle);

// Copy pages between two roots, through the window, whatever the rights.
static mp_obj_t mappings_copy_pages(size_t n, const mp_obj_t *arguments) {
    uint64_t to_root = get_root(arguments[0]), from_root = get_root(arguments[2]);
    uint64_t to = native_get_page(arguments[1]) >> 12 & 0xfffffffffUL, from = native_get_page(arguments[3]) >> 12 & 0xfffffffffUL;
    uint64_t count = native_get_below(arguments[4], 1UL << 36, "page count");
    for (uint64_t i = 0; i < count; i++) {
        unsigned to_level, from_level;
        const uint64_t *target = find_leaf(to_root, to + i, &to_level), *source = find_leaf(from_root, from + i, &from_level);
        if (target == NULL || source == NULL) {
            return MP_OBJ_NEW_SMALL_INT(i);
        }
        uint64_t to_frame = frame_of_leaf(*target, to_level) + ((to + i) & (pages_at(to_level) - 1));
        uint64_t from_frame = frame_of_leaf(*source, from_level) + ((from + i) & (pages_at(from_level) - 1));
        void *out = window_pointer(to_frame << 12);
        const void *in = window_pointer(from_frame << 12);
        uint64_t words = PAGE_SIZE / 8;
        __asm__ volatile ("rep movsq" : "+D"(out), "+S"(in), "+c"(words) : : "memory");
    }
    return NOT_THERE;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mappings_copy_pages_obj, 5, 5, mappings_copy_pages);

// --- roots ---

// Write entries of a root, `first` to 511, from another root; its own recursive entry is written by link_root().
static mp_obj_t mappings_share_upper_half(mp_obj_t to, mp_obj_t from) {
    uint64_t *target = table_of(get_root(to)), *source = table_of(get_root(from));
    for (size_t i = FIRST_SHARED_INDEX; i < ENTRIES_PER_TABLE; i++) {
        if (i != RECURSIVE_P4_INDEX && i != OTHER_RECURSIVE_P4_INDEX) {
            target[i] = source[i];
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_share_upper_half_obj, mappings_share_upper_half);

static bool is_pool_or_kernel(size_t index) {
    return index == KERNEL_P4_INDEX || (index >= POOL_P4_INDEX && index < POOL_P4_INDEX + POOL_P4_ENTRIES);
}

// Fill a new kernel root: a level-3 table for every upper entry but the recursive ones, out of the frames from
// `first_frame` on (cleared by the caller). Nothing in the window and the techniques' slots can ever be executed.
static mp_obj_t mappings_build_upper_half(mp_obj_t root_in, mp_obj_t first_frame) {
    uint64_t *root = table_of(get_root(root_in)), frame = native_get_frame(first_frame);
    for (size_t i = FIRST_SHARED_INDEX; i < ENTRIES_PER_TABLE; i++) {
        if (i != RECURSIVE_P4_INDEX && i != OTHER_RECURSIVE_P4_INDEX) {
            root[i] = frame | ENTRY_PRESENT | ENTRY_WRITABLE | (is_pool_or_kernel(i) ? 0 : ENTRY_NO_EXECUTE);
            frame += PAGE_SIZE;
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mappings_build_upper_half_obj, mappings_build_upper_half);

// A root's entry for itself, without execution.
static mp_obj_t mappings_link_root(mp_obj_t root_in) {
    uint64_t root = get_root(root_in);
    table_of(root)[RECURSIVE_P4_INDEX] = root | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_NO_EXECUTE;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_link_root_obj, mappings_link_root);

static mp_obj_t mappings_active_root(void) { return MP_OBJ_NEW_SMALL_INT((cr3_read() & ENTRY_ADDRESS) >> 12); }
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_active_root_obj, mappings_active_root);

// Let the processor walk from this root from now on. The low flags of CR3 are kept; the TLB is emptied.
static mp_obj_t mappings_activate(mp_obj_t root) {
    note(EVENT_ACTIVATE, get_root(root), 0, 0, 0);
    cr3_write(get_root(root) | (cr3_read() & 0x18));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mappings_activate_obj, mappings_activate);

static mp_obj_t mappings_physical_bits(void) { return MP_OBJ_NEW_SMALL_INT(cpu_features.physical_bits); }
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_physical_bits_obj, mappings_physical_bits);

static mp_obj_t mappings_largest_level(void) { return MP_OBJ_NEW_SMALL_INT(cpu_features.gigabyte_pages ? 3 : 2); }
static MP_DEFINE_CONST_FUN_OBJ_0(mappings_largest_level_obj, mappings_largest_level);

// Copy one entry of a root to another; from root 0: clear it.
static mp_obj_t mappings_copy_root_entry(mp_obj_t to, mp_obj_t from, mp_obj_t index_in) {
    uint64_t index = native_get_below(index_in, ENTRIES_PER_TABLE, "index"), source = get_root(from);
    table_of(get_root(to))[index] = source == 0 ? 0 : table_of(source)[index];
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(mappings_copy_root_entry_obj, mappings_copy_root_entry);

static const mp_rom_map_elem_t mappings_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__mappings) },
    { MP_ROM_QSTR(MP_QSTR_lend), MP_ROM_PTR(&mappings_lend_obj) },
    { MP_ROM_QSTR(MP_QSTR_take_back), MP_ROM_PTR(&mappings_take_back_obj) },
    { MP_ROM_QSTR(MP_QSTR_plan), MP_ROM_PTR(&mappings_plan_obj) },
    { MP_ROM_QSTR(MP_QSTR_map), MP_ROM_PTR(&mappings_map_obj) },
    { MP_ROM_QSTR(MP_QSTR_first_absent), MP_ROM_PTR(&mappings_first_absent_obj) },
    { MP_ROM_QSTR(MP_QSTR_detach), MP_ROM_PTR(&mappings_detach_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_run), MP_ROM_PTR(&mappings_next_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_run_length), MP_ROM_PTR(&mappings_run_length_obj) },
    { MP_ROM_QSTR(MP_QSTR_count_runs), MP_ROM_PTR(&mappings_count_runs_obj) },
    { MP_ROM_QSTR(MP_QSTR_frame_at), MP_ROM_PTR(&mappings_frame_at_obj) },
    { MP_ROM_QSTR(MP_QSTR_leaf_at), MP_ROM_PTR(&mappings_leaf_at_obj) },
    { MP_ROM_QSTR(MP_QSTR_prune), MP_ROM_PTR(&mappings_prune_obj) },
    { MP_ROM_QSTR(MP_QSTR_pop_table), MP_ROM_PTR(&mappings_pop_table_obj) },
    { MP_ROM_QSTR(MP_QSTR_change), MP_ROM_PTR(&mappings_change_obj) },
    { MP_ROM_QSTR(MP_QSTR_plan_divide), MP_ROM_PTR(&mappings_plan_divide_obj) },
    { MP_ROM_QSTR(MP_QSTR_divide), MP_ROM_PTR(&mappings_divide_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&mappings_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_share_upper_half), MP_ROM_PTR(&mappings_share_upper_half_obj) },
    { MP_ROM_QSTR(MP_QSTR_build_upper_half), MP_ROM_PTR(&mappings_build_upper_half_obj) },
    { MP_ROM_QSTR(MP_QSTR_link_root), MP_ROM_PTR(&mappings_link_root_obj) },
    { MP_ROM_QSTR(MP_QSTR_zero_frames), MP_ROM_PTR(&mappings_zero_frames_obj) },
    { MP_ROM_QSTR(MP_QSTR_active_root), MP_ROM_PTR(&mappings_active_root_obj) },
    { MP_ROM_QSTR(MP_QSTR_activate), MP_ROM_PTR(&mappings_activate_obj) },
    { MP_ROM_QSTR(MP_QSTR_physical_bits), MP_ROM_PTR(&mappings_physical_bits_obj) },
    { MP_ROM_QSTR(MP_QSTR_largest_level), MP_ROM_PTR(&mappings_largest_level_obj) },
    { MP_ROM_QSTR(MP_QSTR_log_override), MP_ROM_PTR(&mappings_log_override_obj) },
    { MP_ROM_QSTR(MP_QSTR_dismantle), MP_ROM_PTR(&mappings_dismantle_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy_pages), MP_ROM_PTR(&mappings_copy_pages_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush_everything), MP_ROM_PTR(&mappings_flush_everything_obj) },
    { MP_ROM_QSTR(MP_QSTR_events), MP_ROM_PTR(&mappings_events_obj) },
    { MP_ROM_QSTR(MP_QSTR_map_record), MP_ROM_PTR(&mappings_map_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_tables), MP_ROM_PTR(&mappings_tables_obj) },
    { MP_ROM_QSTR(MP_QSTR_unmap_simple), MP_ROM_PTR(&mappings_unmap_simple_obj) },
    { MP_ROM_QSTR(MP_QSTR_begin), MP_ROM_PTR(&mappings_begin_obj) },
    { MP_ROM_QSTR(MP_QSTR_finish), MP_ROM_PTR(&mappings_finish_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_callback_waits), MP_ROM_PTR(&mappings_set_callback_waits_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy_root_entry), MP_ROM_PTR(&mappings_copy_root_entry_obj) },
};
static MP_DEFINE_CONST_DICT(mappings_globals, mappings_globals_table);
const mp_obj_module_t mappings_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&mappings_globals };
MP_REGISTER_MODULE(MP_QSTR__mappings, mappings_module);
