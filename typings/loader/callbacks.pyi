"""What `loader.callbacks` has, for editors and for pyright: names, parameters, types."""

from collections.abc import Callable
from typing import Any, Self

import memory_structs

class CallbackGone(memory_structs.KernelError):
    address: Any

class BadResult(memory_structs.KernelError):
    function: Any
    letter: Any
    value: Any

class TableSwitched(memory_structs.KernelError):
    function: Any

class Callback:
    address: int
    function: Any
    signature: str
    def __init__(self, function: Callable[..., object], signature: str) -> None: ...
    @property
    def is_live(self) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

def callback(function: Callable[..., object], signature: str) -> Callback: ...
