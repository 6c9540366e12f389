"""What an owner of a range can be asked as its range can: `for page in owner`, `page in owner`, `owner[0]`."""


def no_elements(thing):
    """The `__iter__` of a class with a `__getattr__` and no elements, which `in` would ask for `__getitem__`."""
    raise TypeError("%s has no elements" % type(thing).__name__)


class LikeItsRange:
    """The operators of a `.range`, for who has one. Each raises what `.range` raises: UseAfterMove of what is dead."""

    def __iter__(self):
        return iter(self.range)

    def __reversed__(self):
        return reversed(self.range)

    def __contains__(self, thing):
        return thing in self.range

    def __getitem__(self, index):
        return self.range[index]
