"""A Python callable, run on a stack of its own. Imported by one module of the kernel."""

from collections.abc import Callable

def call(first_page: int, count: int, function: Callable[..., object], arguments: tuple) -> object:
    """Run function(*arguments) on the `count` pages from a page number on; return what it returns, raise what it raises.

    At least 6 pages, mapped in every table, and below them one that is not: who runs off them meets StackOverflow there;
    PageFault if one can't be written, before anything runs. That nobody else uses or unmaps them meanwhile is the
    caller's business. Allocates nothing.
    """
