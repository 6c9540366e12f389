"""The policy in use: one that knows the pages that are resident, whatever came amid a change of it."""

from .errors import PolicyFailed, text_of


class Chooser:
    """Asks a policy and tells it what happens; `resident` is {page number: (its place in the order of loading, ...)}.

    .kind       its class
    .is_lost    True where the policy may not know what is resident: pages have come or gone and it was not told, or
                it has raised, or Ctrl-C came in the middle. A new one of its kind is made then, when it is needed.
    """

    def __init__(self, frames, bits, resident):
        self._frames, self._bits, self._resident = frames, bits, resident
        self.kind = self._policy = None
        self.is_lost = True

    def use(self, make):
        """Make a policy that knows the resident pages, in the order in which they were loaded. Raises PolicyFailed."""
        resident = self._resident
        try:
            policy = make(self._frames, self._bits)
            for page in sorted(resident, key=lambda page: resident[page][0]):
                policy.loaded(page)
        except MemoryError:
            raise
        except Exception as error:
            raise PolicyFailed(make.name, "can't be made: " + text_of(error), error)
        self.kind, self._policy, self.is_lost = make, policy, False

    def policy(self):
        """The Policy. Raises PolicyFailed."""
        if self.is_lost:
            self.use(self.kind)
        return self._policy

    def tell(self, method, pages=None):
        """Call a method of the policy as it is, for each of some pages if there are any; return the last answer.

        Raises PolicyFailed.
        """
        policy = self._policy
        self.is_lost = True
        try:
            call = getattr(policy, method)
            if pages is None:
                answer = call()
            else:
                for page in pages:
                    answer = call(page)
        except MemoryError:
            raise
        except Exception as error:
            raise PolicyFailed(policy.name, "failed in %s(): %s" % (method, text_of(error)), error)
        self.is_lost = False
        return answer

    def victim(self):
        """The page that has to go. Raises PolicyFailed when it is none that has a frame."""
        page = self.tell("victim")
        if page.__class__ is not int or page not in self._resident:
            self.is_lost = True
            raise PolicyFailed(self._policy.name, "chose %r, which has no frame" % (page,))
        return page
