"""What `paging.natives` has: the layout, and the acts in C, whose contracts are in port/typings."""

from typing import Any

LAYOUT: dict[str, int]
cpu: Any
entries: Any
