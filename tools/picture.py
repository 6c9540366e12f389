#!/usr/bin/env python3
"""Draw the page tables of a live kernel as SVG: every table from the root to the leaves, and where they lead in RAM.

    make picture                                     a fresh machine, to build/picture.svg
    make picture ARGS='--code "..." -o x.svg'        after running some Python in it
    make picture ARGS='--code "..." --difference'    what that code changed: before against after
    make picture ARGS='--walk 0x1000 --walk "..."'   the ways of addresses, or of what Python stands for, after --code
    make picture ARGS='--layout'                     what the entries of the root are for
    make picture ARGS='--connect build/console'      the machine of `make pty`, as it is now

tools/drawing.py, drawing_ways.py and drawing_layout.py say what the pictures mean. The
same kernel and code give the same bytes.
"""

import argparse
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import drawing_layout
from drawing import Drawing
from drawing_ways import PROGRAM, Ways
from machine import BUILD, ROOT
from say import stop

LONGEST_S = 60  # how long code may run
SNAPSHOT = "from diagnostics.snapshot import as_json\nprint(as_json())"


@contextmanager
def fresh_machine():
    """Have a machine of our own run Python: the function that does it and returns what was printed.

    Ends with one line if that Python raises.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    from harness import GuestFailure, Kernel, KernelRaised, QemuGuest  # noqa: PLC0415 (only this needs the test harness)

    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        try:
            yield Kernel(guest, timeout=LONGEST_S).exec
        except KernelRaised as error:
            stop(f"--code or --walk raised in the kernel:\n{error}".rstrip())
        except GuestFailure as error:
            stop(f"--code or --walk took longer than {LONGEST_S} s, or ended the machine: {str(error).splitlines()[0]}")


@contextmanager
def device(path):
    """Have a machine that runs already run Python, through the path of its console. Ends as `fresh_machine` does."""
    from mpremote.transport import TransportError, TransportExecError  # noqa: PLC0415 (only this needs mpremote)
    from mpremote.transport_serial import SerialTransport  # noqa: PLC0415

    try:
        transport = SerialTransport(path)
        transport.enter_raw_repl(soft_reset=False)
    except (TransportError, OSError) as error:
        stop(f"--connect {path}: no kernel answers at a prompt there ({error}): `make pty` prints a path")
    try:
        yield transport.exec
    except TransportExecError as error:
        stop(f"--code or --walk raised in the kernel:\n{error.error_output}".rstrip())
    finally:
        transport.exit_raw_repl()
        transport.close()


def snapshots(run, code):
    """Return [snapshot], or [before, after] if there is code to run in between."""
    found = [json.loads(run(SNAPSHOT))]
    if code:
        run(code)
        found.append(json.loads(run(SNAPSHOT)))
    return found


def of_fresh_machine(code):
    """Return the snapshots of a machine of our own."""
    with fresh_machine() as run:
        return snapshots(run, code)


def ways(run, code, places):
    """Return the ways of what these expressions stand for, after some code."""
    run(code)
    pairs = ", ".join(f"({place!r}, {place})" for place in places)
    return json.loads(run(PROGRAM.replace("PLACES", f"[{pairs}]")))


def drawing_of(snapshot, before=None):
    """Return the Drawing of a snapshot, or of what has changed since another one."""
    return Drawing(snapshot, before, "Clew: the active page tables" + (": what has changed" if before else ""))


def main():
    """Read the command line, take the snapshots, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, default=BUILD / "picture.svg")
    parser.add_argument("--code", default="", help="Python to run in the kernel first; \\n ends a line")
    parser.add_argument("--difference", action="store_true", help="mark what the code changed")
    parser.add_argument("--connect", metavar="PATH", help="the console of a machine that runs (make pty)")
    parser.add_argument("--walk", action="append", metavar="PLACE", help="draw the way of an address; may be repeated")
    parser.add_argument("--layout", action="store_true", help="draw what the entries of the root are for")
    options = parser.parse_args()
    if options.difference and not options.code:
        stop("--difference shows what --code changed: give both")
    if options.output.is_dir() or not options.output.absolute().parent.is_dir():
        stop(f"-o {options.output}: a file in a folder that is there is wanted")
    code = options.code.replace("\\n", "\n")
    with device(options.connect) if options.connect else fresh_machine() as run:
        if options.walk:
            text, said = Ways(ways(run, code, options.walk), "The way through the tables").svg(), "the ways"
        elif options.layout:
            text, said = drawing_layout.svg(json.loads(run(SNAPSHOT))), "the address space"
        else:
            found = snapshots(run, code)
            before = found[0] if options.difference else None
            text, said = drawing_of(found[-1], before).svg(), f"{len(found[-1]['tables'])} tables"
    try:
        options.output.write_text(text)
    except OSError as error:
        stop(f"-o {options.output}: {error.strerror}")
    print(f"clew: drew {said} into {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
