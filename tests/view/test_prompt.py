"""A question at the prompt, moment by moment: what goes to the machine, and what the screens show."""

import asyncio
import json
import re

import pytest
from live_page import prompt
from live_page.prompt import PASTE, PASTE_READY, PROMPT, QUESTION, RUN, Conversation, NoAnswer

ANSWER = {
    "step": 1,
    "cells": "KT.",
    "legend": [["K", "kernel image"]],
    "owners": [["0", "v0x0 +1", "4 KiB"]],
    "regions": [["page pool", 5, 9]],
}


class Machine:
    """A machine that answers as it is told to, and a screen."""

    def __init__(self, answers):
        self.answers = dict(answers)
        self.typed, self.shown = [], b""
        self.conversation = Conversation(self.take, self.show)

    def take(self, data):
        self.typed.append(data)
        if data in self.answers:
            asyncio.get_running_loop().call_later(0.02, self.conversation.heard, self.answers[data])

    def show(self, data):
        self.shown += data


def answers(text):
    """Return how a kernel answers the question, with a text."""
    return {PASTE: b"\r\n" + PASTE_READY, QUESTION + RUN: QUESTION + b"\r\n" + text.encode() + b"\r\n" + PROMPT}


async def asked(machine, meanwhile=b""):
    """Have a machine asked at its prompt, while somebody types; return the answer."""
    machine.conversation.heard(b"42\r\n" + PROMPT)
    assert not machine.conversation.may_ask, "it is not quiet yet"
    await asyncio.sleep(prompt.QUIET_S + 0.02)
    assert machine.conversation.may_ask
    question = asyncio.create_task(machine.conversation.ask())
    await asyncio.sleep(0.01)
    if meanwhile:
        machine.conversation.type(meanwhile)
    return await question


def test_an_answer_leaves_the_screen_alone_and_what_was_typed_meanwhile_comes_after_it():
    machine = Machine(answers(json.dumps(ANSWER)))
    assert asyncio.run(asked(machine, b"6 * 7\r")) == ANSWER
    assert machine.shown == b"42\r\n" + PROMPT
    assert machine.typed == [PASTE, QUESTION + RUN, b"6 * 7\r"]


WRONG = (
    *({"step": "1"}, {"cells": 5}, {"legend": ["K"]}, {"legend": [["K", 5]]}, {"owners": [5]}, {"owners": [[]]}),
    *({"owners": [[5]]}, {"regions": [["page pool", "5", 9]]}, {"regions": [[]]}, {"kind": "state"}),
)


def test_what_a_user_has_the_kernel_say_instead_is_refused():
    assert prompt.is_ownership(ANSWER)
    assert [each for each in WRONG if prompt.is_ownership(ANSWER | each)] == []
    assert not any(map(prompt.is_ownership, ([], 5, None, {}, list(ANSWER))))
    for said, why in (("[]", "not who owns what"), ("[" * 100_000, "[[")):
        with pytest.raises(NoAnswer, match=re.escape(why)) as refused:
            asyncio.run(asked(Machine(answers(said))))
        assert len(str(refused.value)) <= prompt.LONGEST_REASON


def test_what_the_kernel_raises_instead_is_the_reason():
    machine = Machine(answers("Traceback\r\nMemoryError: no room"))
    with pytest.raises(NoAnswer, match="MemoryError: no room"):
        asyncio.run(asked(machine))
    assert machine.shown == b"42\r\n" + PROMPT


@pytest.mark.parametrize(
    ("said", "given_up"), [({}, []), ({PASTE: b"\r\n" + PASTE_READY}, [QUESTION + RUN, prompt.GIVE_UP])]
)
def test_without_an_answer_nothing_is_lost_and_nothing_is_asked_again(monkeypatch, said, given_up):
    monkeypatch.setattr(prompt, "READY_S", 0.05)
    monkeypatch.setattr(prompt, "ANSWER_S", 0.05)
    machine = Machine(said)

    async def play():
        with pytest.raises(NoAnswer, match="does not answer"):
            await asked(machine, b"x")
        await asyncio.sleep(prompt.QUIET_S + 0.02)
        assert not machine.conversation.may_ask

    asyncio.run(play())
    assert machine.typed == [PASTE, *given_up, b"x"]
    assert machine.shown == b"42\r\n" + PROMPT + b"".join(said.values())


def test_half_a_line_keeps_the_question_back():
    async def play():
        machine = Machine({})
        machine.conversation.heard(PROMPT)
        machine.conversation.type(b"6")
        machine.conversation.heard(b"6\x08 \x08")  # and taken back
        await asyncio.sleep(prompt.QUIET_S + 0.02)
        assert not machine.conversation.may_ask

    asyncio.run(play())
