"""What `devices.ivshmem` has, for editors and for pyright: names, parameters, types."""

from typing import Any

class SharedMemory:
    function: Any
    memory: Any
    def __init__(self, index: int = ...) -> None: ...
    def drop(self) -> None: ...
