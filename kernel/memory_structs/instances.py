"""Objects of values that are known to be right: their constructors would check them again."""

try:
    from _instances import bind, make, seal
except ImportError:  # these sources run on a host, too, for property tests

    def bind(function, first):
        """Return what calls `function` with `first` before its arguments."""
        return lambda *arguments: function(first, *arguments)

    def make(cls, *names_and_values):
        """Return an object of a class with these attributes."""
        made = object.__new__(cls)
        for position in range(0, len(names_and_values), 2):
            setattr(made, names_and_values[position], names_and_values[position + 1])
        return made

    def seal(cls):
        """Return a class whose objects refuse attributes from outside: on the machine they do."""
        return cls
