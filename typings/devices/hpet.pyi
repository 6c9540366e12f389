"""What `devices.hpet` has, for editors and for pyright: names, parameters, types."""

from collections.abc import Callable
from typing import Any

class Hpet:
    mapping: Any
    period: Any
    registers: Any
    timers: Any
    def __init__(self) -> None: ...
    def after(self, nanoseconds: Any, handler: Callable[..., object], timer: Any = ...) -> Any: ...
    def drop(self) -> None: ...
    def now(self) -> Any: ...
