"""The command about protection keys; imported when it is first used."""

from diagnostics.keys import Keys, KeyView

from shell.command import Argument, command
from shell.kinds import NumberKind, TextKind

KEY = NumberKind("KEY", 0, 15)
RIGHTS = TextKind("RIGHTS")


@command(
    "key",
    "Protection keys of supervisor pages: what IA32_PKRS allows.",
    Argument("key", KEY, None),
    Argument("rights", RIGHTS, None),
    details=(
        "key                what holds for all 16",
        "key 5 readable     from here on, on this CPU: reads only (WD); closed: neither (AD); writable: as entries say",
        "create_mapping(4096, PteFlags().with_protection_key(5))    a page that has one",
        "with key(5).writable(): ...    in there only; closed() and readable() as well; it is undone however that ends",
        "make run GUARD=1   key 15 guards page tables and the allocators' records against stray writes",
        "In programs: `from paging.keys import key`.",
    ),
)
def key(number, rights):
    if number is None:
        return Keys()
    found = KeyView(number)
    if rights is not None:
        found.rights = rights
    return found
