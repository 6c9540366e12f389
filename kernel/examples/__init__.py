"""Small programs on top of the memory system, each a few lines that do one thing. They are meant to be read.

`examples` at the prompt lists them. Each stands on the public names of `memory` and `faults` only.
"""

NAMES = ("demand", "replacement", "copy_on_write")
