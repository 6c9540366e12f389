"""The build: small and reproducible products, helpful words when something is missing."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import machine
import make_iso
import packages
import pytest

ROOT = machine.ROOT


def run(*words, **environment):
    """Run a command at the top of the project; return its result."""
    merged = {**os.environ, **environment}
    return subprocess.run(words, cwd=ROOT, env=merged, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_target_with_a_line_of_its_own():
    described = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = re.findall(r"^  make (\S+) +\S", run("make", "help").stdout, re.MULTILINE)
    assert set(listed) == described
    wanted = "all run test debug pty bochs bench test-micropython lint format clean help"
    assert set(wanted.split()) <= set(listed)


def test_the_image_is_small():
    assert (machine.BUILD / "kernel.iso").stat().st_size <= 2 << 20


def test_two_images_of_one_kernel_are_identical(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1744675200")
    digests = []
    for name in ("a.iso", "b.iso"):
        make_iso.make_iso(machine.BUILD / "kernel.elf", ROOT / "boot" / "grub.cfg", tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_wrong_micropy_dir_is_one_line(tmp_path):
    result = run("make", "build/kernel.elf", f"MICROPY_DIR={tmp_path}")
    assert result.returncode != 0
    assert f"clew: {tmp_path} is no MicroPython source (no py/mpconfig.h there)" in result.stderr


def prerequisites(goal, *variables):
    """Return all that a goal of the Makefile needs, as make itself has it."""
    said = run("make", "-pq", *variables, "help").stdout
    rules = {}
    for target, needs in re.findall(r"^([\w./-]+):(?!=) ?([^=\n]*)$", said, re.MULTILINE):
        rules.setdefault(target, set()).update(needs.replace("|", " ").split())
    found, left = set(), [goal]
    while left:
        for name in rules.get(left.pop(), ()):
            if name not in found:
                found.add(name)
                left.append(name)
    return found


def steps(goal, *variables):
    """Return the steps of packages.py that a goal takes."""
    return {name.removeprefix("packages-") for name in prerequisites(goal, *variables) if name.startswith("packages-")}


def test_make_installs_what_its_target_needs_and_no_more():
    assert steps("run") == {"build", "run"}, "no GRUB"
    assert steps("run", "BOOT=iso") == {"build", "run", "iso"}
    assert steps("run", "BOOT=uefi") == {"build", "run", "iso", "uefi"}
    assert steps("test") == {"build", "iso", "run", "uefi", "bochs", "debug", "venv"}
    assert {row[0] for row in packages.PACKAGES["build"]} & {"grub-common", "xorriso", "mtools"} == set()


def test_mpremote_is_there_for_make_pty():
    assert ".venv/ready" in prerequisites("pty")


def test_package_lists_are_refreshed_once(monkeypatch, tmp_path):
    """For all steps within the hour; again when they are old, or not there any more."""
    ran = []
    monkeypatch.setattr(
        packages, "quietly", lambda command, _: ran.append(command[-1] if "update" in command else "install")
    )
    monkeypatch.setattr(packages, "STAMP", tmp_path / "cache" / "stamp")
    monkeypatch.setattr(packages, "LISTS", tmp_path)
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: name)
    (tmp_path / "mirror_main_binary-amd64_Packages.lz4").touch()
    for step in ("build", "iso", "run"):
        packages.install([row[::2] for row in packages.PACKAGES[step]])
    assert ran == ["update", "install", "install", "install"]
    os.utime(tmp_path / "cache" / "stamp", (0, 0))
    assert not packages.lists_are_fresh()
    packages.update()
    (tmp_path / "mirror_main_binary-amd64_Packages.lz4").unlink()
    assert not packages.lists_are_fresh()


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile, and an environment that says where it was made."""
    for name in ("Makefile", "requirements.txt", "requirements-notebook.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text().replace("packages-%:", "packages-%:;"))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / "ready").write_text(f"{tmp_path / '.venv'} {os.path.realpath(sys.executable)}\n")
    return tmp_path


def makes_venv(folder):
    """Answer whether make would make the environment anew."""
    done = subprocess.run(["make", "-n", ".venv/ready"], cwd=folder, capture_output=True, text=True, check=False)
    return "-m venv .venv" in done.stdout


def test_an_environment_serves_where_it_was_made_and_no_other_checkout(checkout, tmp_path):
    assert not makes_venv(checkout)
    moved = tmp_path.parent / "a moved checkout"
    shutil.copytree(checkout, moved, symlinks=True)
    assert makes_venv(moved)
    (checkout / ".venv" / "bin" / "python").unlink()
    assert makes_venv(checkout), "its Python is gone"
    (checkout / ".venv" / "bin" / "python").symlink_to("/bin/true")
    assert makes_venv(checkout), "there is another Python"


def test_a_container_and_a_workflow_run_the_two_commands_of_the_readme():
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert re.findall(r"- run: (make .*)", workflow) == ["make run </dev/null", "make test"]
    for system in ("debian:12", "debian:13", "ubuntu:24.04"):
        assert f'"{system}"' in workflow
        assert system.replace(":", " ").title().split()[0] in (ROOT / "README.md").read_text()
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'CMD ["make", "run"]' in dockerfile
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert f"AS {container['build']['target']}\n" in dockerfile
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).exists()


def test_everything_that_others_wrote_in_the_products_is_in_the_list_of_licences():
    text = (ROOT / "LICENCES.md").read_text()
    read = " ".join(path.read_text() for path in (machine.BUILD / "port").rglob("*.P"))
    assert set(re.findall(r"micropython/(lib/[\w.-]+)", read)) == set(
        re.findall(r"^\| (lib/\S+) \|", text, re.MULTILINE)
    )
    (modules,) = re.findall(r"with the modules ([\w, ]+), and those", text)
    assert set(modules.split(", ")) == {*make_iso.BIOS_MODULES, *make_iso.EFI_MODULES}
    assert "libgcc" not in (ROOT / "port" / "port.mk").read_text()
    listed = run("xorriso", "-indev", str(machine.BUILD / "kernel.iso"), "-find", "/", "-type", "f").stdout
    assert "'/LICENCES.md'" in listed


def test_a_missing_tool_without_apt_is_one_line_that_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: None)
    with pytest.raises(SystemExit, match=r"^clew: no apt-get here: please install .*\bxorriso\b"):
        packages.install(packages.missing(["iso"]))
