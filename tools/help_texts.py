#!/usr/bin/env python3
"""Pack the public surface's signatures and docstrings into a module that the kernel's `help` reads.

    tools/help_texts.py FILE

The compiler drops docstrings, so the build extracts them here: into one bytes constant of the image, which costs
no heap. FILE is written only if it changes.

A record is RECORD and "page:name page:name ...", a line with the signature, and the text, which all these names share.
"""

import sys
from pathlib import Path

import surface

RECORD = "\x1e"
MAXIMUM_BYTES = 150 * 1024


def records():
    """Return the records of the surface, as texts, without RECORD."""
    found = {}
    for page, entries in surface.surface():
        add(found, page, f"{page.page}:")
        for entry in entries:
            for each in (entry, *entry.members):
                add(found, each, f"{each.page}:{each.name}")
    return [" ".join(names) + f"\n{entry.signature}\n{entry.text}" for names, entry in found.values()]


def add(found, entry, name):
    """Add a name to the record of its Entry: that of what is written in the same place, if there is one."""
    key = (entry.origin, entry.own_name, entry.signature.rpartition(".")[2])
    found.setdefault(key, ([], entry))[0].append(name)


def packed():
    """Return the text of the module. Raises ValueError if it is too large for the image."""
    data = "".join(RECORD + record for record in records()).encode()
    if len(data) > MAXIMUM_BYTES:
        raise ValueError(f"the texts of help are {len(data)} bytes, and may be {MAXIMUM_BYTES}")
    return f'"""Made by tools/help_texts.py."""\n\nRECORD = {RECORD.encode()!r}\nTEXTS = {data!r}\n'


def main():
    """Write the module."""
    path, text = Path(sys.argv[1]), packed()
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
