"""Whoever ends the page is heard at any moment, and tabs that don't listen are not waited for."""

import asyncio
import time

import pytest
from live_page import server
from live_page.guest import Guest
from live_page.session import Session

MOMENTS = range(12)


class SlowAnswer:
    """QEMU, as the guest asks it: it answers when it is told to."""

    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    async def execute(self, *_):
        return await self.answer


class EndedMachine:
    """A machine that has ended as soon as it was started, and prints nothing."""

    cr3 = cr4 = 0
    memory = None

    async def start(self):
        pass

    async def read(self):
        return b""

    async def reason(self):
        return "on purpose"

    async def look_at_registers(self):
        pass

    async def close(self):
        pass

    def type(self, data):
        pass


async def moments(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def ends(task):
    """Cancel a task, once; answer whether it ends."""
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.2)
    return bool(done)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_answer_of_qemus_at_the_same_moment_does_not_hide_the_end(moment):
    async def play():
        guest = Guest("")
        guest.qmp = SlowAnswer()

        async def look_for_long():
            for _ in range(100):
                await guest.look_at_registers()
                await asyncio.sleep(0.01)

        task = asyncio.create_task(look_for_long())
        await moments(5)
        guest.qmp.answer.set_result("CR3=1000 CR4=20")
        await moments(moment)
        assert await ends(task)

    asyncio.run(play())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_machine_that_ends_at_the_same_moment_does_not_hide_the_end(moment):
    async def play():
        session = Session(EndedMachine())

        async def slow_to_end():
            try:
                await asyncio.sleep(3)
            finally:
                await moments(6)

        session._watch = slow_to_end
        task = asyncio.create_task(session.run())
        await moments(moment)
        assert await ends(task)

    asyncio.run(play())


def test_a_tab_that_does_not_listen_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(server, "GOODBYE_S", 0.05)

    class Deaf:
        async def close(self, code):
            await asyncio.sleep(3)

    began = time.monotonic()
    asyncio.run(server.close_sockets({server.SOCKETS: {Deaf() for _ in range(100)}}))
    assert time.monotonic() - began < 2
