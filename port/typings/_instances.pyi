"""Objects of Python classes without their constructors. Imported by one module of the kernel."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

def make(cls: type[T], name: str, value: object, *more: object) -> T:
    """Return an object of a class with these attributes, and no others; up to seven (name, value) pairs.

    __new__ and __init__ are not called, properties are not looked at: what is stored has to be what the class promises.
    Raises TypeError; then nothing was made.
    """

def bind(function: Callable, first: object) -> Callable:
    """Return what calls a function with `first` before the arguments that it is given, as a method does."""

def seal(cls: type[T]) -> type[T]:
    """Have objects of a class refuse to have attributes set or deleted whose names begin with no underscore.

    Returns the class; its subclasses are not sealed. Raises TypeError.
    """
