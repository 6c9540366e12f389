"""What stands in a mapping's place while a call is changing it."""


class UnderWay:
    """Stands for the record of a mapping: `.step` is the call, `.record` what it was and will be."""

    def __init__(self, step, record):
        self.step = step
        self.record = record
