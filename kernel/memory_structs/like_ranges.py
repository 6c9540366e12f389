"""What an owner of a range can be asked as its range can: `for page in owner`, `page in owner`, `owner[0]`."""


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
