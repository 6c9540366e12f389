"""What the jobs of test_campaign.py do on a worker."""

import os
import signal
from pathlib import Path

import together


def count(number, folder, dies_once=False):
    """Count; the job that dies takes its worker along the first time, with the commands that it has begun."""
    mark = Path(folder, f"died-{number}")
    if dies_once and not mark.exists():
        mark.touch()
        kill = f"(sleep 60 & echo $! > {folder}/sleeping; kill -KILL {os.getpid()}; sleep 60)"
        together.run(["sh", "-c", kill], timeout=50)
    odd = [(f"{number} is odd", f"make odd N={number}")] if number % 2 else []
    return {"counts": {"jobs": 1, "numbers": number}, "disagreements": odd}


def fail(number):
    """Have no answer."""
    raise ValueError(f"no such number\n{number}")


def interrupt(number, folder):
    """Be there for the campaign's Ctrl-C."""
    os.kill(os.getpid(), 0)
    signal.sigtimedwait([signal.SIGUSR1], 0.1)
    return count(number, folder)
