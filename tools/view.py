#!/usr/bin/env python3
"""make view: the prompt, the page tables as they are now, and who owns which memory, as a page in a browser.

It prints the page's address, which has a token in it, and opens nothing by itself. MEMORY, BOOT, CPU, CPUS, OBJECTS and
DISK change the machine as they do for `make run`; VIEW_PORT=n chooses the port. Ctrl-C, SIGTERM and a terminal that is
closed end the page and the machine, with status 0.
"""

import asyncio
import contextlib
import errno
import os
import signal
import sys

from machine import ROOT
from run import LOG, TRACE, check_settings, remove_old_logs
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))


def announce(url):
    """Print where the page is."""
    print(url, flush=True)
    say("open this address in a browser on this machine; Ctrl-C here ends the page and the machine")


async def serve(port):
    """Serve the page until somebody ends us. A signal that we were started to ignore, as nohup does, is ignored."""
    from live_page import server  # noqa: PLC0415 (it takes a second, and settings are checked first)

    task, told = asyncio.current_task(), []

    def end(number):
        told.append(number.name)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, end, number)
    with contextlib.suppress(asyncio.CancelledError):
        await server.serve(port, announce)
    try:
        say(f"{told[0]}: the page and its machine have ended")
    except OSError:  # the terminal is gone
        nobody_reads(sys.stdout, sys.stderr)


def nobody_reads(*streams):
    """What is left in streams goes nowhere: Python would try to write it once more at its end, and fail."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main():
    """Check what was set, then serve."""
    try:
        remove_old_logs()
        check_settings()
        asyncio.run(serve(int(os.environ.get("VIEW_PORT") or 0)))
    except KeyboardInterrupt:
        stop("SIGINT: ended before the page was there")
    except BrokenPipeError:
        nobody_reads(sys.stdout)
        stop("nobody reads the page's address: it is printed to standard output")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        port = os.environ["VIEW_PORT"]
        stop(f"VIEW_PORT={port}: another program has this port: choose another, or none to get a free one")
    finally:
        LOG.unlink(missing_ok=True)
        TRACE.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
