"""What `loader.callbacks` has, for editors and for pyright: names, parameters, types."""

from collections.abc import Callable
from typing import Any, Self

import memory_structs

class CallbackGone(memory_structs.KernelError):
    address: Any
    def __init__(self, address: Any) -> None: ...

class BadResult(memory_structs.KernelError):
    function: Any
    letter: Any
    value: Any
    def __init__(self, function: Callable[..., object], value: Any, letter: Any) -> None: ...

class TableSwitched(memory_structs.KernelError):
    function: Any
    def __init__(self, function: Callable[..., object]) -> None: ...

class Callback:
    address: Any
    function: Any
    signature: Any
    def __init__(self, function: Callable[..., object], signature: str) -> None: ...
    @property
    def is_live(self) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

def callback(function: Callable[..., object], signature: str) -> Callback: ...
