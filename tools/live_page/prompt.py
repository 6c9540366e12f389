"""The console between the machine and whoever looks: what it says, what is typed, and questions at the empty prompt.

The kernel is asked who owns what in its paste mode: that leaves no line in its history and no name in the user's
module. What it prints meanwhile is kept from the screens, and what people type meanwhile is kept until the answer is
there. Nothing is asked unless the prompt is the last thing that was printed, and nothing was typed behind it.
"""

import asyncio
import json

PROMPT = b"clew> "
PASTE, RUN, GIVE_UP = b"\x05", b"\x04", b"\x03"
PASTE_READY = b"paste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "
QUESTION = b"__import__('diagnostics.snapshot').snapshot.tell()"
# How long the console must have been quiet, the paste mode may take to come, and the answer.
QUIET_S, READY_S, ANSWER_S = 0.15, 1, 20
HISTORY_BYTES = 256 << 10
LONGEST_REASON = 200


def is_ownership(said):
    """Answer whether an answer has the form that kernel/diagnostics/snapshot.py says: users can change the kernel."""
    try:
        return (
            set(said) == {"step", "cells", "legend", "owners", "regions"}
            and (type(said["step"]), type(said["cells"])) == (int, str)
            and all(type(letter) is type(says) is str for letter, says in said["legend"])
            and all(row and all(type(text) is str for text in row) for row in said["owners"])
            and all((type(name), type(a), type(b)) == (str, int, int) for name, a, b in said["regions"])
        )
    except (TypeError, ValueError):
        return False


class NoAnswer(Exception):
    """The kernel did not say who owns what; the text says why."""


class Conversation:
    """One machine's console. show(bytes) is told what the screens shall show; type(bytes) is for the machine."""

    def __init__(self, send, show):
        self.send = send
        self.show = show
        self.history = bytearray()
        self.at_prompt = False
        self._tail = b""
        self._last_heard = 0.0
        self._typed_since = self._has_run = False
        self._answer = None
        self._held = bytearray()
        self._heard = asyncio.Event()

    def heard(self, data):
        """Take what the machine has printed."""
        self._last_heard = asyncio.get_running_loop().time()
        if self._answer is not None:
            self._answer += data
            self._heard.set()
            return
        self._tail = (self._tail + data)[-len(PROMPT) :]
        self.at_prompt = self._tail == PROMPT
        if self.at_prompt:
            self._typed_since, self._has_run = False, True
        self._put(data)

    def _put(self, data):
        self.history += data
        del self.history[:-HISTORY_BYTES]
        self.show(data)

    def type(self, data):
        """Type bytes: at once, or when the kernel has answered."""
        if self._answer is not None:
            self._held += data
        else:
            self._typed_since = True
            self.send(data)

    @property
    def may_ask(self):
        """Answer whether something has run since the last question, and the prompt is there, empty and quiet."""
        is_quiet = asyncio.get_running_loop().time() - self._last_heard >= QUIET_S
        return self._has_run and self.at_prompt and not self._typed_since and self._answer is None and is_quiet

    async def ask(self):
        """Return who owns what, as the kernel says it. Raises NoAnswer; then it is not asked until a line has run."""
        self._has_run = False
        self._answer = bytearray()
        is_pasting = False
        try:
            self.send(PASTE)
            await self._wait_for(PASTE_READY, READY_S)
            is_pasting = True
            self.send(QUESTION + RUN)
            await self._wait_for(PROMPT, ANSWER_S)
            is_pasting = False
            return self._parsed()
        finally:
            self._go_on(is_pasting)

    async def _wait_for(self, ending, seconds):
        try:
            async with asyncio.timeout(seconds):
                while not self._answer.endswith(ending):
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError as error:
            raise NoAnswer("the kernel does not answer at its prompt") from error

    def _parsed(self):
        said = bytes(self._answer).partition(QUESTION)[2].removesuffix(PROMPT).decode(errors="replace").strip()
        try:
            found = json.loads(said)
        except (ValueError, RecursionError) as error:
            raise NoAnswer(said.splitlines()[-1][-LONGEST_REASON:] if said else "the kernel said nothing") from error
        if not is_ownership(found):
            raise NoAnswer("what the kernel said is not who owns what")
        return found

    def _go_on(self, is_pasting):
        """End the question. After one without an answer the screens show what came instead."""
        said, self._answer = bytes(self._answer), None
        if not said.endswith(PROMPT):
            if is_pasting:
                self.send(GIVE_UP)
            self.at_prompt = False
            self._put(said)
        held, self._held = bytes(self._held), bytearray()
        if held:
            self.type(held)
