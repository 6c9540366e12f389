"""The native modules under this package.

They are `entries` (acts on the entries of one table), `cpu` (registers, the TLB), `memory` (loads, stores, whole
pages), `critical` (stretches that nothing interrupts), `keys` (protection keys of supervisor pages), `finaliser`
(finds what was forgotten), `boot` (what the loader handed over), `console` (the log, the hooks of the prompt) and
`processors` (the others of the machine).
"""

import _boot as boot
import _console as console
import _critical as critical
import _entries as entries
import _finaliser as finaliser
import _keys as keys
import _memory as memory
import _processors as processors
from memory_structs.natives import cpu

LAYOUT = boot.layout()
