"""Protection keys of supervisor pages (PKS), on the processor that runs Python. Imported by one module of the kernel.

Rights are two bits a key, as IA32_PKRS has them: 1 no access, 2 no write. A soft reset opens all keys.
"""

from collections.abc import Callable

def supported() -> bool:
    """Return whether the CPU has them (CPUID leaf 7, ECX bit 31). Allocates nothing."""

def rights() -> int:
    """Return the rights of all keys at rest, as the register's value. Allocates nothing."""

def set(key: int, rights: int) -> int:
    """Set the rights at rest of a key from 0 to 15, and return what they were. Allocates nothing.

    Raises OverflowError, TypeError, or NotImplementedError where the CPU has no keys; then nothing has changed.
    """

def in_use(key: int) -> bool:
    """Return whether an Opening of a key is in use. Allocates nothing. Raises OverflowError or TypeError."""

class Opening:
    """For `with`: other rights for a key, from its beginning to its end, however that comes.

    Of several in use what was entered last counts, in whatever order they are left. Who is never left stays in use
    until the soft reset.
    """

    def __init__(self, key: int, rights: int) -> None:
        """Raises as `set`."""

    def __enter__(self) -> "Opening":
        """Allocates nothing. RuntimeError if this is in use; then nothing has changed."""

    def __exit__(self, *_: object) -> None:
        """Allocates nothing. RuntimeError if this is not in use; then nothing has changed."""

def guard(key: int) -> None:
    """From here to the soft reset, pages of this key are written only in commits and by natives that are for that.

    Raises as `set`. Allocates nothing.
    """

def commit(function: Callable) -> Callable:
    """Return what calls the function with the guarded key open, and closes it however that ends.

    It binds as a method does. Where there is no guard it is the function itself.
    """
