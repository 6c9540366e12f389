#!/usr/bin/env python3
"""Draw the page tables of a live kernel as SVG: every table from the root to the leaves, and where they lead in RAM.

    make picture                                     a fresh machine, to build/picture.svg
    make picture ARGS='--code "..." -o x.svg'        after running some Python in it
    make picture ARGS='--code "..." --difference'    what that code changed: before against after
    make picture ARGS='--connect build/console'      the machine of `make pty`, as it is now

tools/drawing.py says what the picture means. The same kernel and code give the same bytes.
"""

import argparse
import json
import sys
from pathlib import Path

from drawing import Drawing
from machine import BUILD, ROOT
from say import stop

LONGEST_S = 60  # how long code may run
SNAPSHOT = "from diagnostics.snapshot import as_json\nprint(as_json())"


def of_fresh_machine(code):
    """Return [snapshot], or [before, after] if there is code to run in between, of a machine of our own."""
    sys.path.insert(0, str(ROOT / "tests"))
    from harness import GuestFailure, Kernel, KernelRaised, QemuGuest  # noqa: PLC0415 (only this needs the test harness)

    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=LONGEST_S)
        found = [json.loads(kernel.exec(SNAPSHOT))]
        if code:
            try:
                kernel.exec(code)
            except KernelRaised as error:
                stop(f"--code raised in the kernel:\n{error}".rstrip())
            except GuestFailure as error:
                stop(f"--code took longer than {LONGEST_S} s, or ended the machine: {str(error).splitlines()[0]}")
            found.append(json.loads(kernel.exec(SNAPSHOT)))
        return found


def of_device(path, code):
    """Return [snapshot], or [before, after], of a machine that runs already, through the path of its console."""
    from mpremote.transport import TransportError, TransportExecError  # noqa: PLC0415 (only this needs mpremote)
    from mpremote.transport_serial import SerialTransport  # noqa: PLC0415

    try:
        transport = SerialTransport(path)
        transport.enter_raw_repl(soft_reset=False)
    except (TransportError, OSError) as error:
        stop(f"--connect {path}: no kernel answers at a prompt there ({error}): `make pty` prints a path")
    try:
        found = [json.loads(transport.exec(SNAPSHOT))]
        if code:
            transport.exec(code)
            found.append(json.loads(transport.exec(SNAPSHOT)))
        return found
    except TransportExecError as error:
        stop(f"--code raised in the kernel:\n{error.error_output}".rstrip())
    finally:
        transport.exit_raw_repl()
        transport.close()


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
    options = parser.parse_args()
    if options.difference and not options.code:
        stop("--difference shows what --code changed: give both")
    if options.output.is_dir() or not options.output.absolute().parent.is_dir():
        stop(f"-o {options.output}: a file in a folder that is there is wanted")
    code = options.code.replace("\\n", "\n")
    found = of_device(options.connect, code) if options.connect else of_fresh_machine(code)
    before = found[0] if options.difference else None
    try:
        options.output.write_text(drawing_of(found[-1], before).svg())
    except OSError as error:
        stop(f"-o {options.output}: {error.strerror}")
    print(f"clew: drew {len(found[-1]['tables'])} tables into {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
