"""The native module of exceptions, and the machine's facts that explaining one needs."""

import _traps as traps
from paging.natives import LAYOUT, boot

__all__ = ["LAYOUT", "boot", "traps"]
