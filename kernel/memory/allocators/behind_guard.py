"""The allocators' trees lie behind the guard, where there is one: what changes them is a commit from here on. Imported
before everything that uses them."""

from memory_structs import commits

from .. import runs

CHANGES = "add_owners", "create", "end_at", "extend", "give", "lift_limit", "limit_owners"
CHANGES += "take", "take_aligned", "take_at"

if commits.guarded:
    for name in CHANGES:
        setattr(runs, name, commits.opens_guard(getattr(runs, name)))
