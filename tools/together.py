"""Run a command with everything that it starts: all of it ends with whoever started this, or when time is up.

    status, output = together.run(["make", "test"], cwd=copy, timeout=60)

make, a shell and pytest start processes of their own, which would outlive them. So the command gets a process group of
its own, and this file, run as a program, stays beside it to end the whole group.
"""

import contextlib
import os
import signal
import subprocess
import sys

COMMAND = ("setpriv", "--pdeathsig", "TERM", sys.executable, __file__)
"""In front of a command: SIGTERM, which comes too when whoever started it dies, ends it and its group."""


def run(words, timeout=None, **options):
    """Run a command; return (exit status, or None when it took too long; what it printed)."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen([*COMMAND, *words], text=True, errors="replace", **pipes, **options)
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        process.terminate()
        return None, process.communicate()[0]
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return process.returncode, output


def main():
    """Run the command line's command in a group of its own; end the group at SIGTERM and at the command's end."""
    process, is_asked = None, False

    def end(*_):
        nonlocal is_asked
        is_asked = True
        if process is not None:  # else it has only just begun, and is ended below
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    process = subprocess.Popen(sys.argv[1:], process_group=0)
    if is_asked:
        end()
    status = process.wait()
    end()
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
