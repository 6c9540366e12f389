"""Files that come with the machine are in /boot: QEMU's, whichever loader boots, and boot modules, several of them."""

import os
import random
import subprocess
import sys

import machine
import make_iso
import pytest
from harness import BOOT_TIMEOUT_S, Kernel

NOISE = random.Random(7).randbytes(70_001)
LISTED = "sorted((name, size) for name, kind, inode, size in __import__('os').ilistdir('/boot') if (kind, inode) == %s)"
LISTED %= "(0x8000, 0)"  # files, without numbers
FREE = "__import__('memory').frame_allocator.statistics().free"


def at_prompt(guest):
    """Return Kernel of a machine once it is at its prompt."""
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S[guest.settings.boot])
    return Kernel(guest)


@pytest.fixture
def files(tmp_path):
    """Files of several sizes, with names that QEMU's options would take apart."""
    contents = {"a.o": b"just text\n", "b,c d.o": NOISE, "nothing": b"", "ümläut": b"\0\1\2"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {tmp_path / name: content for name, content in contents.items()}


def romfs(folder, name, text):
    """Make a ROMFS image with one module in it; return its path."""
    (folder / name).mkdir()
    (folder / name / f"{name}.py").write_text(text)
    command = [os.path.join(os.path.dirname(sys.executable), "mpremote"), "romfs", "-o", str(folder / f"{name}.romfs")]
    subprocess.run([*command, "build", str(folder / name)], check=True, capture_output=True, timeout=60)
    return folder / f"{name}.romfs"


def test_what_qemu_hands_over_is_there_byte_for_byte(boot, files):
    kernel = at_prompt(boot(files=tuple(files)))
    assert kernel.eval(LISTED) == sorted((path.name, len(content)) for path, content in files.items())
    free = kernel.eval(FREE)
    for path, content in [*files.items(), *files.items()]:
        kernel.exec(f"content = open('/boot/{path.name}', 'rb').read()")
        assert kernel.eval("(len(content), content[:20], content[-20:])") == (len(content), content[:20], content[-20:])
        assert kernel.eval("sum(content)") == sum(content)
    assert kernel.eval("open('/boot/a.o').read()") == "just text\n"
    kept = [(len(content) + 16 + 4095) // 4096 for content in files.values()]  # with what the device is told
    assert free - kernel.eval(FREE) == sum(kept), "each is in frames once"
    for refused in ("open('/boot/nosuch')", "open('/boot/a.o', 'w')", "__import__('os').remove('/boot/a.o')"):
        with kernel.raises("OSError"):
            kernel.exec(refused)
    assert "/boot/b,c d.o" in kernel.exec("from shell.commands import modules; print(modules())")
    kernel.soft_reset()
    assert kernel.eval(FREE) == free
    assert kernel.eval("open('/boot/a.o').read()") == "just text\n"


def test_several_boot_modules_under_pvh_are_files_with_names(boot, tmp_path):
    """QEMU's loader takes one, without its name; file systems among them are mounted as ever."""
    (tmp_path / "a.o").write_bytes(NOISE)
    paths = (romfs(tmp_path, "one", "number = 1"), tmp_path / "a.o", romfs(tmp_path, "two", "number = 2"))
    kernel = at_prompt(boot(modules=paths))
    assert [name for name, _ in kernel.eval(LISTED)] == ["a.o", "one.romfs", "two.romfs"]
    assert kernel.eval("(__import__('one').number, __import__('two').number)") == (1, 2)
    assert kernel.eval("sum(open('/boot/a.o', 'rb').read())") == sum(NOISE)


def test_boot_modules_of_grub_and_files_of_qemu_are_side_by_side(boot, tmp_path, files):
    """Named as GRUB's configuration says; a second of one name, and one without any, can be told from others."""
    lines = "".join(f"    module2 /boot/{inside}\n" for inside in ("m.o m.o", "m.o /else/m.o -v", "m.o"))
    config = (machine.ROOT / "boot/grub.cfg").read_text().replace("    boot\n", f"{lines}    boot\n")
    (tmp_path / "grub.cfg").write_text(config)
    (tmp_path / "m.o").write_bytes(NOISE)
    image = tmp_path / "modules.iso"
    make_iso.make_iso(machine.BUILD / "kernel.elf", tmp_path / "grub.cfg", image, [("boot/m.o", tmp_path / "m.o")])
    kernel = at_prompt(boot(boot="iso", iso=image, files=tuple(files)))
    names = [name for name, _ in kernel.eval(LISTED)]
    assert names == sorted(["m.o", "m.o-2", "module3", *(path.name for path in files)])
    for name in ("m.o", "m.o-2", "module3", "b,c d.o"):
        assert kernel.eval(f"sum(open('/boot/{name}', 'rb').read())") == sum(NOISE)


def test_a_file_that_is_no_file_system_after_all_does_not_stop_the_boot(boot, tmp_path):
    (tmp_path / "broken").write_bytes(b"\xd2\xcd\x31" + b"\xff" * 100)
    (tmp_path / "a.o").write_bytes(b"fine")
    kernel = at_prompt(boot(files=(tmp_path / "broken", tmp_path / "a.o")))
    assert kernel.eval("open('/boot/a.o').read()") == "fine"


def test_a_name_is_looked_for_on_the_ram_disk_first(boot, files):
    kernel = at_prompt(boot(files=tuple(files)))
    kernel.exec("from loader.disks import find_file\nwith open('/nothing', 'w') as file: file.write('x')")
    assert kernel.eval("(find_file('a.o'), find_file('nothing'))") == ("/boot/a.o", "nothing")
    with kernel.raises("OSError"):
        kernel.exec("find_file('nosuch')")
    with kernel.raises("TypeError", match="a file has a name, which is a str, not bytes"):
        kernel.exec("find_file(b'a.o')")


@pytest.mark.bochs
def test_elsewhere_there_are_none(bochs_kernel):
    assert bochs_kernel.eval("__import__('loader.firmware').firmware.files()") == []
    assert "boot" not in bochs_kernel.eval("__import__('os').listdir('/')")


def test_what_can_not_be_handed_over_is_refused_in_one_line(tmp_path):
    for name in ("one/a.o", "two/a.o", "x" * 47, "y" * 46):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for paths, why in [
        (["one/a.o", "nosuch"], "there is no such file"),
        (["one"], "there is no such file"),
        (["one/a.o", "two/a.o"], "have one name"),
        (["x" * 47], "a name of at most 46 letters"),
    ]:
        whole = tuple(tmp_path / path for path in paths)
        assert why in machine.refused_files(whole)
        with pytest.raises(ValueError, match=why):
            machine.Machine(files=whole).qemu_command()
    assert machine.refused_files([tmp_path / ("y" * 46), tmp_path / "one/a.o"]) is None


def test_make_run_hands_objects_over(files):
    """As a person says it: words as a shell reads them."""
    options = {"cwd": machine.ROOT, "capture_output": True, "text": True, "timeout": 60}
    options["env"] = {**os.environ, "OBJECTS": " ".join(f"'{path}'" for path in files)}
    done = subprocess.run([sys.executable, "tools/run.py", "run"], input="modules\n", check=False, **options)
    assert done.returncode == 0
    assert all(f"/boot/{path.name}" in done.stdout for path in files)
