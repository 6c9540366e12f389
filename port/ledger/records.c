// The ledger: an array of records, the lists of the free and the lost ones, and the last events.
// In C because finalisers and panics come here, when no Python can run.
#include <string.h>
#include "py/runtime.h"
#include "port/console/log.h"
#include "port/ledger/records.h"
#include "port/runtime/safe_point.h"

record_t records[RECORDS_MAX];
size_t records_used;
ledger_t ledger;

static const char *const event_names[EVENTS_KINDS] = { "map", "unmap", "change" };
ledger_event_t ledger_events[EVENTS_MAX];
size_t ledger_events_count;

void mapper_events_print(void) {
    size_t kept = ledger_events_count < EVENTS_MAX ? ledger_events_count : EVENTS_MAX;
    for (size_t i = ledger_events_count - kept; i < ledger_events_count; i++) {
        const ledger_event_t *event = &ledger_events[i % EVENTS_MAX];
        log_print("mapper event %u: %s, page 0x%lx, %lu pages, root 0x%lx, frames 0x%lx\n", (unsigned)i,
            event_names[event->kind], event->page, event->count, event->root, event->frames);
    }
}

void records_reset(void) {
    memset(&ledger, 0, sizeof ledger);
    records_used = 0;
    ledger_events_count = 0;
}

size_t records_lost_count(void) {
    return ledger.lost;
}

NORETURN void ledger_refuse_more(void) {
    mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("65536 mappings are alive: drop some"));
}

void ledger_lose(record_t *record) {
    record->handle = NULL;
    if (record->state != RECORD_LIVE) {
        ledger_give(record);
        return;
    }
    ledger.lost++;
    record->state = RECORD_LOST;
    // A table is dropped after the mappings that live in it: at the end of the list.
    uint32_t *place = &ledger.first_lost;
    while (record->kind == KIND_TABLE && *place != 0) {
        place = &records[*place - 1].next;
    }
    record->next = *place;
    *place = record - records + 1;
    safe_point_request();
}

record_t *ledger_find_lost(void) {
    record_t *record = &records[ledger.first_lost - 1];
    ledger.first_lost = record->next;
    ledger.lost--;
    record->state = RECORD_LIVE;
    return record;
}
