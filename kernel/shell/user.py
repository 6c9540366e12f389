"""The user's own names: what `__main__` holds."""

import __main__

NAMES = __main__.__dict__
