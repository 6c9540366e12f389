"""A session of a text, on a machine: the object files that the text has, the disks it makes, the machine it runs."""

import machine

from harness.errors import GuestFailure
from harness.objects import compiled, put_files
from harness.transcripts import Stale, c_files, replay, words_of_run

PROMPT_TIMEOUT_S = 60


def typed_in_a_machine(boot, folder, text, name, session, numbers, on_exchange=None):
    """Boot the machine that a Session asks for, and type it there. Raises Stale, which names text, block and line.

    boot(**settings) returns a guest; folder is an empty one for the files; the rest is as replay() has it.
    """
    objects = {f"{file}.o": compiled(source) for file, source in c_files(text).items()}
    number, exchanges = session.blocks[0]
    try:
        settings = words_of_run(session.shell, folder, objects)
        guest = boot(**settings)
        guest.console.wait_for_prompt(PROMPT_TIMEOUT_S)
        if objects and "files" not in settings and exchanges[0].typed.startswith("load "):
            put_files(guest, objects)
    except (ValueError, KeyError, GuestFailure) as error:
        raise Stale(f"{name}, block {number}, line {exchanges[0].line}: its machine: {error}") from error
    replay(session, guest.console, numbers, name, on_exchange)
    if session.blocks[-1][1][-1].typed == "exit":
        guest.expect_exit(machine.SUCCESS)
