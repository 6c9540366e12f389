"""What the techniques have in common: a life that ends with `leave()`, and calls that are sessions of their own."""

from .access import ANYWHERE, ASK, Access
from .installations import Use
from .mapper import Mapper
from .natives import cpu, critical, entries
from .numbers import check_frame, frame_of
from .protection import Protection
from .refusals import TechniqueUnavailable
from .tlb import FlushLedger, flush_all

TABLE_WORD = 0b11  # PRESENT | WRITABLE
NO_EXECUTE_WORD = 1 << 23
WINDOW_WORD = TABLE_WORD | NO_EXECUTE_WORD


class TechniqueMapper(Mapper):
    """What the five have in common. `root` is the Frame of a root table, that table as a PageTable512, or None for the
    active one."""

    name = "technique"

    def __init__(self, root=None, ledger=None):
        self.root_frame = cpu.read_root_frame() if root is None else root_number(root)
        if ledger is None and self.root_frame == cpu.read_root_frame():
            ledger = FlushLedger.live
        self._use = None
        self._left = Left(self.name)
        super().__init__(None, ledger)

    @property
    def root(self):
        """The Frame of the root table."""
        return frame_of(self.root_frame)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.leave()

    def leave(self):
        """Take out of live tables what choosing this technique put there. Used after that, it raises
        TechniqueUnavailable. Does nothing the second time."""
        critical.enter()
        try:
            self.access = self._left
            if self._use is not None:
                self._use.give_up()
        finally:
            critical.leave()


def root_number(root):
    """The frame number of a root: a Frame, or a PageTable512. Raises TypeError for all else."""
    number = getattr(root, "root_number", None)
    return check_frame(root).number if number is None else number()


class Left:
    """Stands for how tables were seen by a technique that was left.

    Every question to it raises TechniqueUnavailable.
    """

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        raise TechniqueUnavailable(self._name, "it was left: make a new one")


class Session:
    """One call of a technique that does not see all tables all the time: a Mapper, for that call, and its end."""

    def __init__(self, technique, writes):
        self._access = technique._open(writes)
        try:
            self.mapper = Mapper(self._access, technique.ledger)
        except BaseException:
            self._access.close()
            raise

    def __enter__(self):
        return self.mapper

    def __exit__(self, kind, value, traceback):
        self._access.close()


class SessionTechnique(TechniqueMapper):
    """A technique that is set up anew for every call.

    Whoever runs inside one, and uses it again, has one of its own.
    """

    def _open(self, writes):
        """An access for one call, which ends with its `close()`. `writes`: the call may change tables."""
        raise NotImplementedError

    def _check_in_use(self):
        if self.access is not None or (self._use is not None and not self._use.is_live):
            raise TechniqueUnavailable(self.name, "it was left, or its table was dropped: make a new one")

    def is_active(self):
        return cpu.read_root_frame() == self.root_frame


def in_a_session(name, writes):
    """The method of that name, performed by the mapper of a session."""
    plain = getattr(Mapper, name)

    def perform(self, *arguments, **named):
        with Session(self, writes) as mapper:
            return plain(mapper, *arguments, **named)

    return perform


for name in [
    "translate",
    "translate_addr",
    "translate_page",
    "translate_range",
    "runs",
    "walk",
    "refuse_kernel",
    "ledger_for",
    "token",
    "token_for_all",
]:
    setattr(SessionTechnique, name, in_a_session(name, False))
for name in [
    "map_to",
    "map_range",
    "map_numbers",
    "unmap",
    "unmap_range",
    "unmap_numbers",
    "update_flags",
    "update_flags_range",
    "update_numbers",
    "clear",
    "set_parent_flags",
    "clean_up",
    "clean_up_range",
    "clean_up_numbers",
]:
    setattr(SessionTechnique, name, in_a_session(name, True))


def install(installation, links):
    """Write what a new installation needs, (table's frame, index, frame) each; returns its first Use. Raises; then it
    has ended."""
    use = None
    try:
        use = Use(installation)
        for table, index, frame in links:
            installation.write(table, index, frame, WINDOW_WORD)
    except BaseException:
        if use is None:
            installation.end()
        else:
            use.give_up()
        raise
    flush_all(keep_global=True)
    return use


def tables_end():
    """The frame behind the last that the physical window shows."""
    return Protection.live.window_pages if Protection.live is not None else ANYWHERE


class SessionAccess(Access):
    """How one call sees tables. Those that have to be asked answer in `table_at`."""

    def __init__(self, root, distance=ASK):
        super().__init__(root, distance, None if distance != ASK else self.table_at, tables_end())

    def table_at(self, frame, level, page):
        """The address at which the table in `frame`, at `level` on the way of `page`, is seen."""
        raise NotImplementedError

    def close(self):
        """The call is over."""

    def link(self, at, frame, level, page, word):
        entries.clear(self.table_at(frame, level, page), 512)
        entries.write(at, frame, word)


def undisturbed(constructor):
    """A constructor that Ctrl-C does not split: what it has put into live tables has a technique that takes it out."""

    def construct(self, *arguments, **named):
        critical.enter()
        try:
            constructor(self, *arguments, **named)
        finally:
            critical.leave()

    return construct
