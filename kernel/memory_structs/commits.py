"""What encloses a change of the allocators' records, where they lie behind a guard (paging/guard.py).

    @commits.opens_guard
    def change_it(address, value): ...

Without a guard a function is itself. With one, paging.guard says so before the allocators are imported.
"""

guarded = False


def opens_guard(function):
    """The function that does the same where what it writes to is guarded."""
    return function
