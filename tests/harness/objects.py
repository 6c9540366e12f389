"""Object files for the loader: compiled here, or edited so that one rule is broken."""

import functools
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

from harness.kernel import Kernel

FLAGS = [
    "-O2",
    "-c",
    "-ffreestanding",
    "-mno-red-zone",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
]
# The code models that load: what `gcc -c` makes by itself, and what must be asked for.
MODELS = {
    "default": (),
    "kernel": ("-mcmodel=kernel", "-fno-pic"),
    "large": ("-mcmodel=large", "-fno-pic"),
    "large pie": ("-mcmodel=large",),
    "pic": ("-fPIC", "-fno-plt"),
}


@functools.cache
def compiled(source, *options, ending=".c"):
    """Return the bytes of the object that a C (or, with ending ".S", assembler) source becomes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"source{ending}")
        path.write_text(source)
        command = [os.environ.get("CC", "gcc"), *FLAGS, *options, path, "-o", path.with_suffix(".o")]
        subprocess.run(command, check=True)
        return path.with_suffix(".o").read_bytes()


def put_files(guest, files):
    """Put files, {name: bytes}, on the RAM disk of a machine at its prompt."""
    kernel = Kernel(guest)
    for name, data in files.items():
        kernel.exec(f"with open({name!r}, 'wb') as file: file.write({data!r})\ndel file")
    guest.console.send("\x02")
    guest.console.expect_exact(">>> ")
    guest.console.sendline("clew")
    guest.console.expect_exact("clew> ")


# Where fields are: offset and format.
HEADER = {"class": (4, "B"), "order": (5, "B"), "version": (6, "B"), "type": (16, "H"), "machine": (18, "H")}
HEADER |= {"version2": (20, "I"), "at": (40, "Q"), "entry": (58, "H"), "count": (60, "H"), "names": (62, "H")}
SECTION = {"name": (0, "I"), "type": (4, "I"), "flags": (8, "Q"), "offset": (24, "Q"), "size": (32, "Q")}
SECTION |= {"link": (40, "I"), "info": (44, "I"), "align": (48, "Q"), "entry": (56, "Q")}
SYMBOL = {"name": (0, "I"), "info": (4, "B"), "section": (6, "H"), "value": (8, "Q"), "size": (16, "Q")}
RELOCATION = {"offset": (0, "Q"), "type": (8, "I"), "symbol": (12, "I"), "addend": (16, "q")}


class Edited:
    """An object file, and what was changed in it: `.edits` are (offset, bytes), `.data` is the result."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.edits = []
        self.at = struct.unpack_from("<Q", data, 40)[0]
        with tempfile.TemporaryFile() as file:
            file.write(data)
            elf = ELFFile(file)
            self.sections = {section.name: number for number, section in enumerate(elf.iter_sections())}
            table = elf.get_section_by_name(".symtab")
            self.symbols_at = table["sh_offset"]
            self.symbols = {symbol.name: number for number, symbol in enumerate(table.iter_symbols())}
            self.sizes = {section.name: section["sh_size"] for section in elf.iter_sections()}
            self.offsets = {section.name: section["sh_offset"] for section in elf.iter_sections()}

    def name_of(self, section):
        """Return where the name of a section is in the file."""
        return self.offsets[".shstrtab"] + struct.unpack_from("<I", self.data, self.at + 64 * self.sections[section])[0]

    def _put(self, at, field, value):
        data = struct.pack("<" + field[1], value)
        at += field[0]
        self.data[at : at + len(data)] = data
        self.edits.append((at, data))
        return self

    def header(self, name, value):
        return self._put(0, HEADER[name], value)

    def section(self, section, name, value):
        return self._put(self.at + 64 * self.sections[section], SECTION[name], value)

    def symbol(self, symbol, name, value):
        return self._put(self.symbols_at + 24 * self.symbols[symbol], SYMBOL[name], value)

    def relocation(self, section, name, value, number=0):
        return self._put(self.offsets[section] + 24 * number, RELOCATION[name], value)

    def bytes_at(self, at, data):
        return self._put(at, (0, f"{len(data)}s"), data)


RUST_FLAGS = ["--crate-type", "lib", "--emit", "obj", "-O", "-C", "panic=abort", "-C", "no-redzone=y"]


@functools.cache
def compiled_rust(source, *options):
    """Return the bytes of the object that a Rust source becomes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source.rs")
        path.write_text(source)
        subprocess.run(["rustc", *RUST_FLAGS, *options, path, "-o", path.with_suffix(".o")], check=True)
        return path.with_suffix(".o").read_bytes()
