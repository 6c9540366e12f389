"""The mapper agrees with the Rust crate x86_64 on 60 sequences of operations: every result, every entry.

The vectors' results and final tables come from that crate (see the first lines of vectors/x86_64_mapper.txt).
One difference is demanded by the contract and shows in the driver: nothing widens a parent's rights except
`parent_flags`, so the driver asks for what the crate does unasked (it derives them from the page's flags). The finer
errors (TableInTheWay, SmallerPages, ...) subclass the crate's. What the crate does on calls that fail or that the
vectors leave out is in test_oddities.py.
"""

from pathlib import Path

import pytest
from on_target import source

VECTORS = Path(__file__).parent / "vectors" / "x86_64_mapper.txt"


def sequences():
    """Return (name, number of frames, operations, results, entries) for every sequence of the vectors."""
    found = []
    for line in VECTORS.read_text().splitlines():
        if line.startswith("SEQ"):
            found.append((line.split()[1], int(line.split("frames=")[1]), [], [], []))
        elif line.startswith("E "):
            found[-1][4].append(line)
        elif line[0] not in "#E":
            operation, result = line.split(" => ")
            found[-1][2].append(operation)
            found[-1][3].append(result.strip())
    return found


SEQUENCES = sequences()


def with_decimal_numbers(operation):
    """Return an operation with numbers that MicroPython's int() takes without a base."""
    return " ".join(str(int(word, 16)) if word.startswith("0x") else word for word in operation.split())


@pytest.fixture
def driver(kernel):
    """A kernel that can run sequences."""
    for name in ("prelude", "vectors"):
        kernel.exec(source(f"paging/{name}"))
    return kernel


def test_the_vectors_are_all_there():
    assert len(SEQUENCES) == 60
    assert sum(len(results) for _, _, _, results, _ in SEQUENCES) == 3024
    assert sum(len(entries) for *_, entries in SEQUENCES) == 1215


def test_every_result_and_every_entry_agrees_with_the_crate(driver):
    wrong = []
    for name, frames, operations, results, entries in SEQUENCES:
        lines = [with_decimal_numbers(operation) for operation in operations]
        output = driver.exec(f"run_sequence({frames}, {lines!r})", timeout=30).splitlines()
        for operation, expected, found in zip([*operations, *entries], [*results, *entries], output, strict=True):
            if expected != found:
                wrong.append(f"sequence {name}: {operation}: the crate {expected}, the kernel {found}")
    assert not wrong, "\n".join(wrong[:20])
