"""The boot order."""


def boot(interactive):
    """Bring the machine up to the prompt; `interactive` is false when a tool reset us in raw mode."""
    if interactive:
        print("Clew")
