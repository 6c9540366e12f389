"""The native module of exceptions, and the machine's facts that explaining one needs."""

import _traps as traps
from paging.natives import boot

__all__ = ["boot", "traps"]
