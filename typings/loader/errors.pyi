"""What `loader.errors` has, for editors and for pyright: names, parameters, types."""

from typing import Any

import memory_structs

class ObjectError(memory_structs.KernelError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class BadElf(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class UnsupportedElf(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class WritableExecutableSection(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class ObjectTooLarge(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class NothingToLoad(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class RelocationOverflow(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class UnresolvedSymbol(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class DuplicateSymbol(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class NoSuchSymbol(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class NoSuchObject(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class AlreadyLoaded(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class ObjectNeeded(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class ObjectHeld(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class MissingSymbol(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class SizeDiffers(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...

class AddressInState(ObjectError):
    object: Any
    section: Any
    value: Any
    def __init__(self, object: Any, section: Any, value: Any, text: Any) -> None: ...
