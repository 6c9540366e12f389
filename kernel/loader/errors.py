"""What the loader refuses. Each names the object, the section (or "") and the value; nothing is loaded or changed then.

KernelError
└── ObjectError
    ├── BadElf               the file contradicts itself, or ends too early
    ├── UnsupportedElf       well formed, but not for this machine, or of a kind that is not loaded
    ├── WritableExecutableSection
    ├── ObjectTooLarge       more than the loader takes, known before anything is allocated
    ├── NothingToLoad        no section of it is in memory when it runs
    ├── RelocationOverflow   what a place should hold does not fit it
    ├── UnresolvedSymbol     nobody defines it
    ├── DuplicateSymbol      two define it, and neither is weak
    ├── NoSuchSymbol         asked for by name, and not there
    ├── NoSuchObject
    ├── AlreadyLoaded        an object of this name is loaded
    ├── ObjectNeeded         others need it
    ├── ObjectHeld           somebody holds a function or a view of it
    ├── MissingSymbol        replace: others use a symbol that the new object lacks
    ├── SizeDiffers          replace: state can't be carried over, or a symbol in use has another size
    └── AddressInState       replace: state holds an address that the new object has nothing for
"""

from memory_structs import KernelError


class ObjectError(KernelError):
    """`object` and `section` are names or "", `value` what was wrong; `text` may have a %s for the value."""

    def __init__(self, object, section, value, text):
        self.object = object
        self.section = section
        self.value = value
        shown = hex(value) if type(value) is int else str(value)
        text = text % shown if "%s" in text else text
        super().__init__(": ".join([part for part in (object, section, text) if part]))


class BadElf(ObjectError):
    """The file contradicts itself, or ends too early."""


class UnsupportedElf(ObjectError):
    """The file is of a kind that is not loaded."""


class WritableExecutableSection(ObjectError):
    """The section's `value`, its flags, would make it writable and executable."""


class ObjectTooLarge(ObjectError):
    """The object would take `value` bytes."""


class NothingToLoad(ObjectError):
    """No section of the object is in memory when it runs."""


class RelocationOverflow(ObjectError):
    """`value` does not fit the place that a relocation names."""


class UnresolvedSymbol(ObjectError):
    """Nobody defines the symbol `value`, which the section refers to."""


class DuplicateSymbol(ObjectError):
    """The symbol `value` is defined already, and neither definition is weak."""


class NoSuchSymbol(ObjectError):
    """No loaded object and no function of the kernel is called `value`."""


class NoSuchObject(ObjectError):
    """No object of the name `value` is loaded."""


class AlreadyLoaded(ObjectError):
    """An object of the name `value` is loaded."""


class ObjectNeeded(ObjectError):
    """The objects and sections in `value` need this one."""


class ObjectHeld(ObjectError):
    """Somebody holds `value`, functions or views of this object."""


class MissingSymbol(ObjectError):
    """The new object does not define the symbol `value`, which the section of another uses."""


class SizeDiffers(ObjectError):
    """The section, or the symbol, of the new object has `value` bytes."""


class AddressInState(ObjectError):
    """The section of the old object holds the address `value`, of what the new object does not have."""
