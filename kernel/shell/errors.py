"""What a person can get wrong at the prompt."""

from memory_structs.errors import KernelError


class UsageError(KernelError):
    """A command was called with arguments that it does not take; the message says which and what it takes."""
