"""Random numbers that are the same everywhere (S. K. Park, K. W. Miller, "Random Number Generators: Good Ones Are Hard
to Find", 1988, with the multiplier of their later note)."""

from micropython import const

from .refusals import NoSuchNumber

_MULTIPLIER = const(48271)
_MODULUS = const(0x7FFFFFFF)
SEEDS_MAX = _MODULUS - 1


class Numbers:
    """x begins with the seed and becomes 48271 x mod 2^31 - 1 before each use.

    seed: from 1 to 2^31 - 2, or NoSuchNumber is raised.
    """

    def __init__(self, seed):
        if type(seed) is not int or not 0 < seed <= SEEDS_MAX:
            raise NoSuchNumber("seed", seed, 1, SEEDS_MAX)
        self.state = seed

    def below(self, limit):
        """Return the next x mod limit."""
        self.state = state = self.state * _MULTIPLIER % _MODULUS
        return state % limit
