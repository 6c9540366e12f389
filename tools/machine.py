"""The machines that the kernel runs on: the one QEMU command line, and the one Bochs configuration.

`make run`, `make debug`, the tests and the benchmarks all describe a machine as a Machine and ask for its command.
The environment can change what every one of them uses:

    QEMU=path        another QEMU (default qemu-system-x86_64)
    QEMU_EXTRA=...   words added to the end of QEMU's command line
    ACCEL=...        another accelerator (default tcg; kvm can't run this kernel on every host)
    PAGING=5         five levels of page tables (default 4); nothing that runs in Bochs, whose CPUs have four
    GUARD=1          page tables and the allocators' records behind a protection key; nothing that runs in Bochs
"""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from say import stop

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MICROPYTHON = BUILD / "micropython"
"""A link to MicroPython's source (tools/micropython_source.py)."""
QBOOT = "/usr/share/qemu/qboot.rom"
OVMF = "/usr/share/ovmf/OVMF.fd"

# Port numbers that boot/layout.h and port/ know too; QEMU's status is 2 * (value written) + 1.
LOG_PORT = 0xE9
EXIT_PORT = 0xF4
SUCCESS = 33
LOW_MEMORY_LIMIT = 0xB000_0000
LOW_MEMORY_WHEN_SPLIT = 0x8000_0000
FOUR_GIB = 1 << 32
# Levels of page tables, unless somebody asks for five.
FOUR_LEVELS = 4
# A q35 of AMD's keeps these addresses for HyperTransport: RAM that would lie there begins at 1 TiB instead of 4 GiB.
HYPERTRANSPORT, TIB = 0xFD_0000_0000, 1 << 40
# QEMU keeps so many addresses behind RAM for the registers of devices.
PCI_HOLE = 32 << 30
USUAL_PHYSICAL_BITS = 40
MOST_FOR_QBOOT = 12 * TIB  # with more, it doesn't find the kernel
# Files for the kernel among QEMU's, and how long a name is there at most (kernel/loader/firmware.py reads them).
FILES_PREFIX = "opt/clew/"
PAGING_FILE = "opt/clew-paging"  # port/boot/depth.c reads it
WORDS_FILE = "opt/clew-words"  # words of the kernel's command line, with any loader: port/boot/info.c reads it
GUARD_WORD = "guard"  # kernel/paging/guard.py reads it
FILE_NAME_MAX = 55

# In front of a machine's command: whoever started it takes it along when killed.
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def wanted_levels(environment=os.environ):
    """Return how many levels of page tables PAGING asks for; end with one line if there are no so many."""
    value = environment.get("PAGING") or str(FOUR_LEVELS)
    if wrong := refused_levels(value):
        stop(f"PAGING={value}: {wrong}")
    return int(value)


def refused_levels(value):
    """Return why there are no so many levels of page tables, or None."""
    return None if value in ("4", "5") else "choose 4 or 5: so many levels of page tables there are"


def wanted_guard(environment=os.environ):
    """Answer whether GUARD asks for the guard; end with one line if it says neither 0 nor 1."""
    value = environment.get("GUARD") or "0"
    if wrong := refused_guard(value):
        stop(f"GUARD={value}: {wrong}")
    return value == "1"


def refused_guard(value):
    """Return why GUARD can't have this value, or None."""
    return None if value in ("0", "1") else "give 1 for the guard, 0 for none"


def depth_word():
    """Return the words for make's command line that ask for the tables in use here, with a blank."""
    levels = "" if wanted_levels() == FOUR_LEVELS else f"PAGING={wanted_levels()} "
    return levels + ("GUARD=1 " if wanted_guard() else "")


def size_in_bytes(text):
    """Return the bytes that a size such as "128M" or "8G" means."""
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


@dataclass(frozen=True)
class Machine:
    """What a machine is made of. A chardev is the text after QEMU's -chardev, without its id.

    boot: "pvh" (QEMU loads build/kernel.elf itself: fastest), "iso" (SeaBIOS and GRUB), "uefi" (OVMF and GRUB).
    memory_file: a file that is the guest's RAM, shared with the host; None for private memory.
    accelerator: "tcg" has a thread for each processor, "tcg,thread=single" one for all. The environment's goes first.
    modules: paths given to the kernel as boot modules (PVH only; an ISO carries its own). QEMU's loader for PVH puts
        one file into memory, without its name; of several, all go as files do.
    files: paths handed over by QEMU itself, whatever boots (fw_cfg): in the kernel they are in /boot, by their names.
    paging: how many levels of page tables; with 5 a CPU that lacks them gets four, and the kernel says so.
    guard: whether page tables and the allocators' records are guarded; a CPU without PKS has no guard, and says so.
    disk: path of a raw image that the machine has as a virtio disk; who may not write it, may not write to the disk.
    window: what QEMU calls the kind of window that shows the display; none without.
    counted: one virtual nanosecond per guest instruction, so that two runs count alike; much slower through an ISO.
    trace: a file for QEMU's log of CPU resets, and of every exception when trace_exceptions is true.
    """

    boot: str = "pvh"
    memory: str = "128M"
    cpu: str = "max"
    paging: int = field(default_factory=wanted_levels)
    guard: bool = field(default_factory=wanted_guard)
    processors: int = 1
    accelerator: str = "tcg"
    kernel: Path = BUILD / "kernel.elf"
    iso: Path = BUILD / "kernel.iso"
    command_line: str = ""
    modules: tuple = ()
    files: tuple = ()
    disk: str = ""
    console: str = "stdio"
    log: str = "null"
    qmp: str = ""
    memory_file: str = ""
    counted: bool = False
    display: bool = False
    window: str = ""
    trace: str = ""
    trace_exceptions: bool = False
    extra: tuple = field(default_factory=tuple)

    def qemu_command(self):
        """Return the words of the QEMU command line for this machine."""
        words = [os.environ.get("QEMU") or "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"]
        accelerator = os.environ.get("ACCEL") or self.accelerator
        words += ["-accel", accelerator, "-cpu", self._cpu_words(), "-smp", str(self.processors)]
        words += self._memory_words() + self._boot_words() + self._file_words() + self._disk_words()
        words += self._channel_words()
        words += ["-display", self.window or "none", "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
        if self.counted:
            words += ["-icount", "shift=0,sleep=off", "-rtc", "base=2025-01-01,clock=vm"]
        if self.trace:
            words += ["-d", "int,cpu_reset" if self.trace_exceptions else "cpu_reset", "-D", self.trace]
        return [*words, *self.extra, *shlex.split(os.environ.get("QEMU_EXTRA", ""))]

    @property
    def physical_bits(self):
        """How wide its physical addresses are: as the CPU's words say, or else as its RAM needs."""
        said = re.search(r"\bphys-bits=(\d+)", self.cpu)
        return int(said[1]) if said else physical_bits_for(size_in_bytes(self.memory))

    def _cpu_words(self):
        """Return the CPU, with addresses as wide as its RAM needs, unless somebody said how wide."""
        wanted = self.physical_bits != USUAL_PHYSICAL_BITS and "phys-bits=" not in self.cpu
        return f"{self.cpu},phys-bits={self.physical_bits}" if wanted else self.cpu

    def _memory_words(self):
        """Return the words for RAM: what does not lie in a file is the host's as the guest touches it."""
        if self.memory_file:
            backend = f"memory-backend-file,id=ram,size={self.memory},mem-path={self.memory_file},share=on,reserve=off"
        elif size_in_bytes(self.memory) > FOUR_GIB:
            backend = f"memory-backend-ram,id=ram,size={self.memory},reserve=off"
        else:
            return ["-machine", "q35", "-m", self.memory]
        return ["-object", backend, "-machine", "q35,memory-backend=ram", "-m", self.memory]

    def _boot_words(self):
        if self.boot == "pvh":
            words = ["-bios", QBOOT] if size_in_bytes(self.memory) <= MOST_FOR_QBOOT else []
            words += ["-kernel", str(self.kernel)]
            words += ["-vga", "std"] if self.display else ["-vga", "none"]
            words += ["-append", self.command_line] if self.command_line else []
            return words + (["-initrd", escaped(self.modules[0])] if len(self.modules) == 1 else [])
        firmware = ["-bios", OVMF] if self.boot == "uefi" else []
        return [*firmware, "-vga", "std", "-cdrom", str(self.iso)]

    def _file_words(self):
        """Return the words for the files that QEMU keeps for the guest. Raises ValueError for what it can't."""
        paths = [*(self.modules if self.boot == "pvh" and len(self.modules) > 1 else ()), *self.files]
        if wrong := refused_files(paths):
            raise ValueError(wrong)
        names = [f"name={FILES_PREFIX}{escaped(Path(path).name)},file={escaped(path)}" for path in paths]
        names += [f"name={PAGING_FILE},string={self.paging}"] if self.paging != FOUR_LEVELS else []
        names += [f"name={WORDS_FILE},string={GUARD_WORD}"] if self.guard else []
        return [word for name in names for word in ("-fw_cfg", name)]

    def _disk_words(self):
        if not self.disk:
            return []
        kind = "" if os.access(self.disk, os.W_OK) else ",readonly=on"
        drive = f"if=none,id=disk,format=raw,file={escaped(self.disk)}{kind}"
        return ["-drive", drive, "-device", "virtio-blk-pci,drive=disk"]

    def _channel_words(self):
        """Return the words for COM1 (console), port 0xE9 (log) and QMP."""
        words = ["-chardev", with_id(self.console, "console"), "-serial", "chardev:console"]
        words += ["-chardev", with_id(self.log, "log"), "-device", f"isa-debugcon,iobase={LOG_PORT:#x},chardev=log"]
        return words + (["-chardev", with_id(self.qmp, "qmp"), "-mon", "chardev=qmp,mode=control"] if self.qmp else [])


def refused_files(paths):
    """Return in one line why these files can't be handed over together, or None."""
    seen = {}
    for path in map(Path, paths):
        if not path.is_file():
            return f"{path}: there is no such file"
        if not is_utf_8(path.name):
            return f"{os.fsencode(path)}: a name in UTF-8 can be handed over"
        if len(FILES_PREFIX) + len(os.fsencode(path.name)) > FILE_NAME_MAX:
            return f"{path}: a name of at most {FILE_NAME_MAX - len(FILES_PREFIX)} letters can be handed over"
        if path.name in seen:
            return f"{path} and {seen[path.name]} have one name, by which they would be found"
        seen[path.name] = path
    return None


def is_utf_8(name):
    """Answer whether a file's name is UTF-8: Python keeps other bytes as lone surrogates."""
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in name)


def escaped(path):
    """Return a path as a value among QEMU's options, where a comma ends a value unless there are two."""
    return str(path).replace(",", ",,")


def with_id(chardev, name):
    """Return a chardev's text with its id put behind the kind: "file,path=x" -> "file,id=log,path=x"."""
    kind, comma, rest = chardev.partition(",")
    return f"{kind},id={name}{comma}{rest}"


def low_memory_in_bytes(ram_in_bytes):
    """Return how much of a q35 machine's RAM lies below 4 GiB; the rest begins at high_memory_start()."""
    limit = LOW_MEMORY_LIMIT if ram_in_bytes < LOW_MEMORY_LIMIT else LOW_MEMORY_WHEN_SPLIT
    return min(ram_in_bytes, limit)


def high_memory_start(ram_in_bytes):
    """Return where that part of a q35 machine's RAM begins that does not lie below 4 GiB (its CPU is AMD's)."""
    end = FOUR_GIB + ram_in_bytes - low_memory_in_bytes(ram_in_bytes)
    return TIB if end + PCI_HOLE > HYPERTRANSPORT else FOUR_GIB


def physical_bits_for(ram_in_bytes):
    """Return how many bits the physical addresses of a q35 machine need for so much RAM, and QEMU's hole behind it."""
    end = high_memory_start(ram_in_bytes) + ram_in_bytes - low_memory_in_bytes(ram_in_bytes)
    return max(USUAL_PHYSICAL_BITS, (end + PCI_HOLE - 1).bit_length())


BOCHS_CONFIGURATION = """\
plugin_ctrl: speaker=0, gameport=0
cpu: model={cpu}, count={processors}, reset_on_triple_fault=0, ips=20000000
memory: guest={memory_mib}, host={memory_mib}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
display_library: rfb, options="timeout=0"
boot: cdrom
ata0-master: type=cdrom, path="{iso}", status=inserted
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{console_port}
port_e9_hack: enabled=1
clock: sync=none
mouse: enabled=0
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


def bochs_command(folder, console_port, iso=BUILD / "kernel.iso", cpu="corei7_skylake_x", memory_mib=128, processors=1):
    """Write Bochs's files into a folder and return its command line.

    Bochs connects its COM1 to a TCP port of this machine where somebody must be listening already, and prints
    what the kernel logs (port 0xE9) to its standard output.
    """
    folder = Path(folder)
    settings = {"cpu": cpu, "memory_mib": memory_mib, "iso": iso, "console_port": console_port}
    settings |= {"log": folder / "bochs.log", "processors": processors}
    (folder / "bochsrc").write_text(BOCHS_CONFIGURATION.format(**settings))
    (folder / "debugger").write_text("c\nq\n")  # Debian's Bochs stops at once and asks; "c" is go on
    return ["bochs", "-q", "-f", str(folder / "bochsrc"), "-rc", str(folder / "debugger")]


def bochs_debugger():
    """Return the words that start Bochs with its debugger: none if this Bochs, like 2.7, has it in any case."""
    told = subprocess.run(["bochs", "--help"], capture_output=True, text=True, check=False)
    return ["-debugger"] if "-debugger" in told.stdout + told.stderr else []


# What the kernel says where it can't end the machine (no QEMU), and the status that QEMU would have ended with.
HALTED = re.compile(rb"clew: halted with status (\d+),")


def exit_reason(status, trace=""):
    """Return in words why QEMU ended with a status; trace is what its trace file says."""
    if status == SUCCESS:
        return "the kernel exited successfully"
    if "Triple fault" in trace:
        return "triple fault: the CPU could not deliver a double fault, and reset"
    if status == 0:
        return "the machine reset or was switched off without saying success"
    if status < 0:
        return f"killed by signal {-status}"
    if status % 2 == 1 and status > 1:
        return f"the kernel exited with failure (wrote {status // 2:#x} to the exit port)"
    return "QEMU itself failed (its message is above)"
