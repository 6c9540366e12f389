"""Commands about the other processors; imported when the first of them is used."""

from diagnostics.processors import processors_table

from shell.command import command


@command(
    "cpus",
    "The CPUs: what each does, on which root, and what it has done.",
    details=(
        "parked        asleep on the boot's tables, where no change concerns it",
        "attached      asleep on a root: its TLB remembers, and it is told of changes",
        "`from processors import processor`; processor(1).read(address) gives one something to do.",
    ),
)
def cpus():
    return processors_table()
