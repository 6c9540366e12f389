"""The allocators' trees lie behind the guard, where there is one: what changes them is a commit from here on. Imported
before everything that uses them."""

from paging.guard import is_guarded, opens_guard

from .. import runs

CHANGES = "add_owners", "create", "end_at", "extend", "give", "lift_limit", "limit_owners"
CHANGES += "take", "take_aligned", "take_at"

if is_guarded():
    for name in CHANGES:
        setattr(runs, name, opens_guard(getattr(runs, name)))
