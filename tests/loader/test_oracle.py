"""GNU ld, which shares nothing with the loader, links the same objects at the same addresses: every byte is the same.

All sections are compared with guest RAM, reached by the host's own walk over the page tables.
"""

import io
import subprocess

import pytest
from elftools.elf.elffile import ELFFile
from harness.objects import MODELS, compiled
from loader.sources import COUNTER, MATH
from oracle.page_walk import translate

ASSEMBLER = """
    .globl numbers, entry
    .text
    entry: call add3@PLT; lea numbers(%rip), %rax; mov base@GOTPCREL(%rip), %rcx; jmp strlen@PLT
    .section .rodata
    numbers: .quad add3, entry + 3, numbers - . ; .long entry - .
    .data
    .quad base + 16
    .zero 3
"""
KERNEL_SYMBOLS = ("strlen",)
OBJECTS = [*MODELS, "assembler"]


def files_of(model):
    options = MODELS.get(model, ())
    files = {"math.o": compiled(MATH, *options), "counter.o": compiled(COUNTER, *options)}
    return files | ({"table.o": compiled(ASSEMBLER, ending=".S")} if model == "assembler" else {})


# What depends on where a table of GNU ld's own making lies: type -> which of the table it depends on.
SLOT_BY_PLACE, SLOT_BY_TABLE, TABLE, BY_TABLE = (9, 41, 42), (27,), (29,), (25, 31)
GOT, GOT_BASE, KERNEL_HALF = 0xFFFFFFFFB8000000, "_GLOBAL_OFFSET_TABLE_", 1 << 64


class Linked:
    """What GNU ld makes of objects: `.sections` {(file, section): bytes}, `.got(address)`, `.table`."""

    def __init__(self, folder, files, placed, kernel_symbols):
        script = [f"s{n} {address:#x} : {{ {file}({name}) }}" for n, (file, name, address, _) in enumerate(placed)]
        script += [f"got {GOT:#x} : {{ *(.got) }}", "gotplt : { *(.got.plt) }", "/DISCARD/ : { *(*) }"]
        (folder / "script").write_text("SECTIONS {\n" + "\n".join(script) + "\n}\n")
        for name, data in files.items():
            (folder / name).write_bytes(data)
        defined = [f"--defsym={name}={address:#x}" for name, address in kernel_symbols.items()]
        options = ["--no-relax", "-e", "0", "--no-warn-rwx-segments"]
        subprocess.run(["ld", "-o", "linked", "-T", "script", *options, *defined, *files], cwd=folder, check=True)
        with open(folder / "linked", "rb") as file:
            elf = ELFFile(file)
            outputs = {section.name: section for section in elf.iter_sections()}
            self.sections = {each[:2]: outputs[f"s{n}"].data() for n, each in enumerate(placed) if f"s{n}" in outputs}
            self._got = outputs["got"].data() if "got" in outputs else b""
            symbols = elf.get_section_by_name(".symtab").get_symbol_by_name(GOT_BASE)
            self.table = symbols[0]["st_value"] if symbols else 0

    def got(self, address):
        """Return what a slot holds."""
        return self._got[address - GOT : address - GOT + 8]


def relocations_of(data):
    """Yield (section, offset, type, addend) of an object file."""
    elf = ELFFile(io.BytesIO(data))
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_RELA":
            target = elf.get_section(section["sh_info"]).name
            for each in section.iter_relocations():
                yield target, each["r_offset"], each["r_info_type"], each["r_addend"]


def masked(data, held, table, place, relocations):
    """Return a section's bytes without what depends on where a GOT is, and what that leads to instead."""
    data, leads_to = bytearray(data), []
    for offset, kind, addend in relocations:
        width = 8 if kind in (*SLOT_BY_TABLE, *TABLE, *BY_TABLE) else 4
        value = int.from_bytes(data[offset : offset + width], "little", signed=True) - addend
        if kind in SLOT_BY_PLACE:
            leads_to.append(held((place + offset + value) % KERNEL_HALF))
        elif kind in SLOT_BY_TABLE:
            leads_to.append(held((table + value) % KERNEL_HALF))
        elif kind in TABLE:
            leads_to.append((value + place + offset - table) % KERNEL_HALF)
        elif kind in BY_TABLE:
            leads_to.append((value + table) % KERNEL_HALF)
        else:
            continue
        data[offset : offset + width] = bytes(width)
    return bytes(data), leads_to


class Ram:
    """The guest's memory at linear addresses, by the host's own walk."""

    def __init__(self, guest):
        self.memory = guest.memory
        self.root = guest.monitor.registers()["CR3"]

    def read(self, address, size):
        found = b""
        while len(found) < size:
            at = address + len(found)
            leaf = translate(self.root, self.memory, at)
            found += self.memory.read(leaf.pa + at - leaf.va, min(size - len(found), leaf.va + leaf.size - at))
        return found


@pytest.mark.parametrize("model", OBJECTS)
def test_every_byte_is_what_gnu_ld_makes_of_it(loading, tmp_path, model):
    files = files_of(model)
    loading.load(files)
    placed = loading.eval("""[(each.name, section.name, section.address & (1 << 64) - 1, section.size)
        for each in objects.loaded() for section in each.sections.values()]""")
    names = {name: loading.eval(f"objects.KERNEL.find({name!r}).address & (1 << 64) - 1") for name in KERNEL_SYMBOLS}
    gots = {each[0]: each[2] for each in placed if each[1] == ".got"}
    starts = loading.eval("{each.name: each.start & (1 << 64) - 1 for each in objects.loaded()}")
    placed = [each for each in placed if each[1] != ".got"]
    ld = Linked(tmp_path, files, placed, names)
    ram = Ram(loading.guest)
    compared = 0
    for file, section, address, size in placed:
        relocations = [each[1:] for each in relocations_of(files[file]) if each[0] == section]
        here = ram.read(address, size)
        if section == ".bss":
            assert here == bytes(size)
            continue
        table = gots.get(file, starts[file])
        ours = masked(here, lambda at: ram.read(at, 8), table, address, relocations)
        theirs = masked(ld.sections[file, section], ld.got, ld.table, address, relocations)
        assert ours == theirs, (file, section)
        compared += size
    assert compared > 400
