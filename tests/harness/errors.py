"""What can go wrong with a guest, as seen from the host."""


class GuestFailure(AssertionError):
    """The guest hung, ended, rebooted or panicked. The message ends with the tails of its console and log."""


class KernelRaised(Exception):
    """Python code run in the kernel raised.

    .name is the exception's class there, .message what it said, .traceback the whole text, .output what was
    printed before.
    """

    def __init__(self, traceback, output=""):
        self.traceback = traceback.replace("\r\n", "\n").strip()
        self.output = output
        name, _, message = self.traceback.rsplit("\n", 1)[-1].partition(":")
        self.name = name.rsplit(".", 1)[-1]
        self.message = message.strip()
        super().__init__(self.traceback)
