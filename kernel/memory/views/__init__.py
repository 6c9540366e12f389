"""Typed access to mapped memory: views lend its bytes, and nothing that is lent changes.

views             what every mapping inherits: `Viewable`
borrowed          a mapping and one view of it, as one owner
layouts           structs by name, checked
loans             a mapping in the hands of a device
loaded_section    functions in executable mappings
refusals          what all of them refuse
"""

from .borrowed import BorrowedMappedPages, BorrowedSliceMappedPages, Immutable, Mutability, Mutable
from .loaded_section import LoadedSection
from .refusals import (
    AlreadyBorrowed,
    NotActive,
    NotExecutable,
    NotExportable,
    NotWritable,
    OutOfBounds,
    StillBorrowed,
    StillRunning,
    UseAfterRelease,
    UseAfterUnmap,
)
from .views import Viewable
