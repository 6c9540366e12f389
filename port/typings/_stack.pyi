"""A Python callable, run on a stack of its own. Imported by one module of the kernel."""

from collections.abc import Callable

def call(first_page: int, count: int, function: Callable[..., object], arguments: tuple) -> object:
    """Run function(*arguments) on the `count` pages from a page number on; return or raise what it returns or raises.

    At least 6 pages, mapped in every table; who runs off them into a page below that is not mapped meets StackOverflow.
    ValueError for fewer pages, PageFault if one can't be written; then nothing has run. That nobody else uses or unmaps
    them meanwhile is the caller's business. Allocates nothing.
    """
