"""What commands need and the boot does not: imported when it is first used."""


def later(module, name):
    """A function that stands for what has that name in a module, which is imported when it is called."""

    def call(*arguments):
        return getattr(__import__(module, None, None, (name,)), name)(*arguments)

    return call
