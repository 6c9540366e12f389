#!/usr/bin/env python3
"""Make a boot image for BIOS and UEFI: GRUB, its configuration, the kernel and any modules, in one ISO.

    tools/make_iso.py --kernel build/kernel.elf --config boot/grub.cfg --output build/kernel.iso [--file NAME=PATH]...

Two runs over the same inputs give the same bytes: every time in the image is SOURCE_DATE_EPOCH.
"""

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from say import stop

# What boot/grub.cfg may use, and what finds it: "normal" reads it from the prefix.
MODULES = [
    "normal",
    "gzio",
    "iso9660",
    "multiboot2",
    "serial",
    "terminal",
    "search_fs_file",
    "all_video",
    "echo",
    "test",
    "iorw",
]
BIOS_MODULES = [*MODULES, "biosdisk"]
EFI_MODULES = [*MODULES, "part_gpt", "fat"]
PADDING_IN_BYTES = 64 * 1024
# Runs in GRUB's rescue parser: the image may be a CD, a disk or a USB stick.
FIND_CONFIGURATION = """search --file --set=root /boot/kernel.elf
set prefix=($root)/boot/grub
"""


def run(command, **options):
    """Run a tool; on failure stop with one line and what the tool said."""
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    if result.returncode != 0:
        print(result.stdout[-2000:], file=sys.stderr)
        stop(f"{command[0]} failed while making the boot image (its message is above)")


def epoch():
    """Return SOURCE_DATE_EPOCH in seconds; 0 unless set."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def make_loader(platform, modules, config, output):
    """Make GRUB's core image for a platform, with the modules and a first configuration inside."""
    command = ["grub-mkimage", "-O", platform, "-o", output, "-p", "/boot/grub", "-c", config, *modules]
    run([str(word) for word in command])


def make_efi_partition(loader, output):
    """Make the FAT image that UEFI firmware looks into for EFI/BOOT/BOOTX64.EFI."""
    os.utime(loader, (epoch(), epoch()))
    kib = -(-loader.stat().st_size // 1024) + 32
    geometry = ["-T", str(kib * 2), "-h", "1", "-s", "1", "-c", "1", "-r", "1"]
    run(["mformat", "-C", "-i", str(output), *geometry, "-N", "c1e40000", "::"])
    run(["mmd", "-i", str(output), "::/EFI", "::/EFI/BOOT"])
    run(["mcopy", "-m", "-i", str(output), str(loader), "::/EFI/BOOT/BOOTX64.EFI"])


def make_iso(kernel, config, output, files=()):
    """Make the image. Either way output is whole or untouched.

    files: (name inside the image, path) pairs, for boot modules.
    """
    with tempfile.TemporaryDirectory(dir=output.parent) as name:
        folder = Path(name)
        root = folder / "root"
        (root / "boot" / "grub").mkdir(parents=True)
        shutil.copyfile(config, root / "boot" / "grub" / "grub.cfg")
        (folder / "find.cfg").write_text(FIND_CONFIGURATION)
        # GRUB unpacks what is gzipped as it reads it, and from the start again when it goes back in the file, as it
        # does for the symbols: nobody needs them here.
        run(["strip", "--strip-all", "-o", str(folder / "kernel.elf"), str(kernel)])
        (root / "boot" / "kernel.elf").write_bytes(gzip.compress((folder / "kernel.elf").read_bytes(), mtime=0))
        for inside, path in files:
            (root / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, root / inside)
        make_loader("i386-pc-eltorito", BIOS_MODULES, folder / "find.cfg", root / "boot" / "bios.img")
        make_loader("x86_64-efi", EFI_MODULES, folder / "find.cfg", folder / "bootx64.efi")
        make_efi_partition(folder / "bootx64.efi", root / "boot" / "efi.img")
        stamp = time.strftime("%Y%m%d%H%M%S00", time.gmtime(epoch()))
        run(
            [
                "xorriso",
                "-as",
                "mkisofs",
                "-quiet",
                "-V",
                "CLEW",
                "-r",
                "-b",
                "boot/bios.img",
                "-no-emul-boot",
                "-boot-load-size",
                "4",
                "-boot-info-table",
                "-eltorito-alt-boot",
                "-e",
                "boot/efi.img",
                "-no-emul-boot",
                f"--modification-date={stamp}",
                "--set_all_file_dates",
                stamp,
                "-no-pad",
                "-o",
                str(folder / "image.iso"),
                str(root),
            ]
        )
        # BIOSes read a disc in long runs: past the end of a short image they fail. xorriso itself would add 300 KiB.
        os.truncate(folder / "image.iso", (folder / "image.iso").stat().st_size + PADDING_IN_BYTES)
        os.replace(folder / "image.iso", output)


def main():
    """Read the command line and make the image."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for option in ("kernel", "config", "output"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--file", action="append", default=[], metavar="NAME=PATH")
    options = parser.parse_args()
    pairs = [word.split("=", 1) for word in options.file]
    make_iso(options.kernel, options.config, options.output, [(name, Path(path)) for name, path in pairs])


if __name__ == "__main__":
    main()
