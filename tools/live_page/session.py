"""One machine and all the tabs that look at it: what is typed goes in, what changes goes out.

A tab gets the console as bytes, and everything else as JSON with a "kind": "state", "restarted", "drawing", "owners",
"age" (of the owners), "entry", "refused". Of each kind a slow tab gets the newest; a tab that goes, in the middle of
whatever, takes nothing along.
"""

import asyncio
import json

from drawing import Drawing, describe

from live_page import tables
from live_page.guest import Guest
from live_page.prompt import Conversation, NoAnswer

COLUMNS, ROWS = 80, 24
COMMAND_LINE = f"terminal={COLUMNS}x{ROWS} colour"
# How often RAM is looked at while somebody looks, and how much longer at least than that took.
LOOK_S, REST = 0.2, 2
# What begins a command: the tables as they were then are what changes are shown against.
BEGINNINGS = (b"\r", b"\n", b"\x04")
MOST_UNTAKEN = 1 << 20
MOST_UNSENT = 1 << 20
CLEARED = b"\x1bc"  # a terminal's own word for a new beginning
DROPPED = b"\r\n[this tab was too slow: some of what the machine printed is not here]\r\n"


def now():
    """Return the time, in seconds since whenever."""
    return asyncio.get_running_loop().time()


class Refused(Exception):
    """What a tab asks for can't be meant; the text says why."""


class Tab:
    """What one tab has yet to be sent. look: (page number, level) of the entry that it looks at, or None."""

    def __init__(self):
        self.console = bytearray()
        self.messages = {}
        self.look = self.last_entry = None
        self.has_news = asyncio.Event()

    def show(self, data):
        """Have bytes of the console sent."""
        if len(self.console) + len(data) > MOST_UNSENT:
            self.console[:] = DROPPED
        self.console += data
        self.has_news.set()

    def tell(self, kind, **content):
        """Have a message sent instead of an older one of its kind."""
        self.messages[kind] = {"kind": kind, **content}
        self.has_news.set()

    async def news(self):
        """Wait until there is something to send; return (console bytes, messages)."""
        await self.has_news.wait()
        self.has_news.clear()
        console, messages = bytes(self.console), list(self.messages.values())
        self.console.clear()
        self.messages.clear()
        return console, messages


class Session:
    """The machine, what is known of it, and the tabs. run() keeps it going until it is cancelled."""

    def __init__(self, guest=None):
        self.guest = guest or Guest(COMMAND_LINE)
        self.tabs = set()
        self.state, self.why = "starting", ""
        self.snapshot = self.before = self.owners = None
        self.drawing = None
        self.conversation = None
        self._owners_at, self._age = None, (False, "")
        self._start_asked = asyncio.Event()

    async def run(self):
        """Start the machine, and again whenever a tab asks for it after its end."""
        try:
            while True:
                self._start_asked.clear()
                await self._one_life()
                await self._start_asked.wait()
        finally:
            await self.guest.close()

    async def _one_life(self):
        """Run one machine to its end."""
        self.snapshot = self.before = self.owners = self.drawing = self._owners_at = None
        self._owners_are(False)
        self.conversation = Conversation(self.guest.type, self._show)
        self._say("starting")
        self._show(CLEARED)
        self._tell_all("restarted")
        try:
            await self.guest.start()
        except OSError as error:
            self._say("ended", f"QEMU can't be started: {error}")
            return
        watcher = asyncio.create_task(self._watch())
        try:
            while data := await self.guest.read():
                self.conversation.heard(data)
                if self.conversation.at_prompt or self.state == "starting":
                    self._say("at the prompt" if self.conversation.at_prompt else "busy")
            await self._look()
            self._say("ended", await self.guest.reason())
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])  # and not `await watcher`: that would take our own end for its end
        await self._look()

    async def _watch(self):
        """Look at RAM again and again while somebody looks, and ask who owns what when that may have changed."""
        while True:
            took = 0
            if self.tabs:
                began = now()
                await self._look()
                took = now() - began
                await self._ask()
            await asyncio.sleep(max(LOOK_S, REST * took))

    async def _ask(self):
        if not self.conversation.may_ask:
            return
        try:
            self.owners = await self.conversation.ask()
        except NoAnswer as error:
            self._owners_are(False, str(error))
            return
        self._owners_at = now()
        self._tell_all("owners", **self.owners)
        self._owners_are(True)
        await self._look()

    def _owners_are(self, current, why=""):
        """Tell the tabs whether the owners are those of now, and if not, how old and why they are no newer."""
        if (current, why) != self._age:
            self._age = current, why
            self._tell_all("age", **self._age_now())

    def _age_now(self):
        seconds = None if self._owners_at is None else now() - self._owners_at
        return {"current": self._age[0], "why": self._age[1], "seconds": seconds}

    async def _look(self):
        """Read the tables anew; tell the tabs what is new."""
        await self.guest.look_at_registers()
        if not self.guest.cr3 or self.guest.memory is None:
            return
        found = await asyncio.to_thread(self._read)
        if found != self.snapshot:
            self.snapshot = found
            self._draw()
        for tab in self.tabs:
            self._tell_entry(tab)

    def _read(self):
        regions = self.owners["regions"] if self.owners else ()
        return tables.snapshot(self.guest.memory, self.guest.cr3, self.levels, regions)

    @property
    def levels(self):
        """How many levels of tables the CPU walks now."""
        return tables.levels_of(self.guest.cr4)

    def _draw(self):
        drawing = Drawing(self.snapshot, self.before, "The active page tables, now")
        self.drawing = {"svg": drawing.svg(), "changes": drawing.changes, "cr3": f"p{self.guest.cr3:#x}"}
        self._tell_all("drawing", **self.drawing)

    def _show(self, data):
        for tab in self.tabs:
            tab.show(data)

    def _tell_all(self, kind, **content):
        for tab in self.tabs:
            tab.tell(kind, **content)

    def _say(self, state, why=""):
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            self._tell_all("state", state=state, why=why)

    def enter(self, tab):
        """A tab begins to look: it is told everything that is known."""
        self.tabs.add(tab)
        tab.tell("state", state=self.state, why=self.why)
        if self.conversation:
            tab.show(bytes(self.conversation.history))
        if self.drawing:
            tab.tell("drawing", **self.drawing)
        if self.owners:
            tab.tell("owners", **self.owners)
        tab.tell("age", **self._age_now())
        self._tell_entry(tab)

    def leave(self, tab):
        """A tab has gone."""
        self.tabs.discard(tab)

    async def type(self, data):
        """Type what a tab has typed. Raises Refused if the machine takes nothing any more."""
        if self.state in ("starting", "ended"):
            raise Refused("there is no machine to type into")
        if self.guest.untaken + len(data) > MOST_UNTAKEN:
            raise Refused("the machine does not read what is typed: this is lost")
        if any(beginning in data for beginning in BEGINNINGS):
            await self._begin()
        self.conversation.type(data)

    async def _begin(self):
        """A command begins: what changes from now on is shown as its doing."""
        await self.guest.look_at_registers()
        if self.guest.cr3:
            self.before = self.snapshot = self._read()
            self._draw()
        if self.state != "ended":
            self._say("busy")
            self._owners_are(False)

    def obey(self, tab, text):
        """Do what a tab asks for in JSON: {"look": {"page": hexadecimal, "level": n} or null} or {"start": true}."""
        try:
            wish = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refused("that is no JSON") from error
        if not isinstance(wish, dict) or len(wish) != 1:
            raise Refused("one wish is wanted: look or start")
        if wish.get("start") is True:
            if self.state != "ended":
                raise Refused("the machine runs: it can be started when it has ended")
            self._start_asked.set()
        elif "look" in wish:
            tab.look = None if wish["look"] is None else self._place_of(wish["look"])
            self._tell_entry(tab)
        else:
            raise Refused("one wish is wanted: look or start")

    def _place_of(self, wish):
        """Return (page number, level) that a tab wants to look at."""
        try:
            page, level = int(wish["page"], 16), wish["level"]
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("a place is a page number in hexadecimal and a level") from error
        if not 0 <= page <= tables.PAGES_MASK or type(level) is not int or not 1 <= level <= self.levels:
            raise Refused("there is no such place")
        return page, level

    def _tell_entry(self, tab):
        """Tell a tab about the entry that it looks at, and the table below; of none: the root. If that has changed."""
        if self.snapshot is None:
            return
        by_place = {(table["level"], table["page"]): table for table in self.snapshot["tables"]}
        way = self._way_of(tab, by_place)
        last = way[-1] if way else {"level": self.levels + 1, "page": "0", "is_table": True}
        found = {"way": way, "below": self._entries_below(by_place, last)}
        if found != tab.last_entry:
            tab.last_entry = found
            tab.tell("entry", **found)

    def _way_of(self, tab, by_place):
        """Return the entries on the way to what a tab looks at, with the runs that they are drawn in."""
        if tab.look is None:
            return []
        page, level = tab.look
        guest, levels = self.guest, self.levels
        way = tables.way_to(guest.memory, guest.cr3, levels, page, min(level, levels), guest.physical_bits)
        for step in way:
            table = by_place.get((step["level"], tables.first_page_of_table(step, levels)))
            step["run"] = self._run_around(table, step["index"])
        return way

    def _run_around(self, table, index):
        """Return the place of the run that an entry is drawn in, as the drawing has it, or None."""
        for run in table["runs"] if table else ():
            if run[0] <= index < run[0] + run[1]:
                return f"{tables.page_of(table['page'], run[0], table['level'], self.levels):x}"
        return None

    def _entries_below(self, by_place, step):
        """Return what the table below an entry has: a place to look at and a text for each run."""
        table = by_place.get((step["level"] - 1, int(step["page"], 16))) if step["is_table"] else None
        rows = []
        for run in table["runs"] if table else ():
            page = tables.page_of(table["page"], run[0], table["level"], self.levels)
            rows.append({"page": f"{page:x}", "level": table["level"], "says": describe(self.snapshot, table, run)})
        return rows
