"""What replacement refuses."""

import errno

from memory_structs import KernelError


class UnknownPolicy(KernelError):
    """No policy has this name, and it is no class of one. `.names` are those that there are."""

    def __init__(self, which, names):
        self.names = names
        super().__init__("%r is no replacement policy: there are %s" % (which, ", ".join(names)))


class PolicyFailed(KernelError):
    """`policy` (its name) has not done what a policy does; `why` says what it did, `cause` is what it raised, or None.
    No page is lost."""

    def __init__(self, policy, why, cause=None):
        self.policy = policy
        self.why = why
        self.cause = cause
        super().__init__("policy %s %s; nothing is lost: give another one by .policy" % (policy, why))


class StoreError(KernelError):
    """A store has failed at `page`, its page number `offset` from 0 on; both are None when all of it was to be flushed.

    `step` is "read", "written", "flushed" or "closed", `why` what it raised. A page that could not be written stays
    resident and dirty, one that could not be read gets no frame: whoever comes by again tries again.
    """

    def __init__(self, page, offset, store, step, why):
        self.page = page
        self.offset = offset
        self.store = store
        self.step = step
        self.why = why
        what = repr(store) if page is None else "page %d of %r, at %s," % (offset, store, page.start_address)
        super().__init__("%s can't be %s: %s" % (what, step, why))


class BadStore(KernelError):
    """`store` can't be used as it is asked for; `why` says what is wrong."""

    def __init__(self, store, why):
        self.store = store
        self.why = why
        super().__init__("%s %s" % (store, why))


def text_of(error):
    """What an exception says, in one line, with its class."""
    said = " ".join([str(argument) for argument in error.args])
    if isinstance(error, OSError) and error.args and error.args[0] in errno.errorcode:
        said = errno.errorcode[error.args[0]]
    return type(error).__name__ + (": " + said if said else "")
