"""What `loader` has, for editors and for pyright: names, parameters, types."""

from typing import Any

def symbol(name: str) -> Any: ...
