"""What MicroPython's viper code has besides Python's builtins: machine words, and pointers, which count in elements."""

uint = int

class _Pointer:
    def __new__(cls, address: object) -> "_Pointer": ...
    def __getitem__(self, index: int) -> int: ...
    def __setitem__(self, index: int, value: int) -> None: ...

ptr = ptr8 = ptr16 = ptr32 = _Pointer
