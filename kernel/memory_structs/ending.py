"""How a `with` of an owner ends."""

from .errors import KernelError


def drop_at_end(owner, kind):
    """Drop an owner at the end of its `with`; `kind` is the class of the exception that ends it, or None.

    Such an exception goes on, whatever becomes of the drop: it says what went wrong first. What could not be dropped
    lives on then, and goes when it is forgotten.
    """
    try:
        owner.drop()
    except KernelError:
        if kind is None:
            raise
