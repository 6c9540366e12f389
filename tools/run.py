#!/usr/bin/env python3
"""Run the kernel for a person: make run, make debug, make pty, make bochs.

The exit status is 0 only if the kernel said success itself or the person left by hand; everything else, a triple
fault included, is reported with the end of the kernel's log.
"""

import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import tty
from pathlib import Path

import settings
from machine import (
    BUILD,
    DIE_WITH_PARENT,
    FOUR_LEVELS,
    HALTED,
    ROOT,
    SUCCESS,
    Machine,
    bochs_command,
    escaped,
    exit_reason,
    wanted_guard,
    wanted_levels,
)
from say import say, stop

ESCAPE = 0x1D  # Ctrl-]: Ctrl-A belongs to the prompt (raw REPL, start of line)
# What QEMU's trace says when the person left: quit by the host.
LEFT_BY_HAND = "qemu_system_shutdown_request reason=2"
PROMPT = b"> "
# Only PVH hands the kernel a command line of ours.
ASK = "the kernel can't be told how large this terminal is: `terminal ask` at its prompt has it ask"
KILL_LINE = "\x15"
# What goes on with a block, and what begins one, be it on one line; MicroPython's editor knows the same words.
INSIDE = re.compile(r"[ \t]|(?:else|elif|except|finally)\b")
BLOCK = re.compile(INSIDE.pattern + r"|@|(?:if|while|for|try|with|def|class|async)\b")
# What port/console/log.c writes of a line at the prompt that raised.
LINE_FAILED = "prompt: a line failed: "
# A machine that says nothing for so long has not booted, or has answered everything.
SLOWEST_BOOT_S = 60
QUIET_S = 3
# One set of files for each run: two may run side by side. Kept until the next run, if the run fails.
LOG = BUILD / f"run-{os.getpid()}.log"
TRACE = BUILD / f"run-{os.getpid()}-resets.log"


def machine(console, **wanted):
    """Return the person's machine: what settings.py knows changes it, files and a disk come with it."""
    wanted["files"], wanted["disk"] = settings.objects(), settings.disk()
    wanted["processors"], wanted["window"] = settings.processors(), settings.window()
    for name in ("MEMORY", "BOOT", "CPU"):
        if os.environ.get(name):
            wanted[name.lower()] = os.environ[name]
    return Machine(console=console, log=f"file,path={escaped(LOG)}", trace=str(TRACE), **wanted)


def check_settings():
    """Stop with one line if what a person set can't be meant, or QEMU refuses it."""
    if found := settings.complaint() or settings.refusal(machine("null,mux=on")):
        stop(found)


def report(status):
    """Say how the machine ended; return our own exit status."""
    trace = TRACE.read_text(errors="replace") if TRACE.exists() else ""
    if status == SUCCESS or (status == 0 and LEFT_BY_HAND in trace):
        LOG.unlink(missing_ok=True)
        TRACE.unlink(missing_ok=True)
        return 0
    say(f"QEMU ended with status {status}: {exit_reason(status, trace)}")
    lines = LOG.read_text(errors="replace").splitlines()[-30:] if LOG.exists() else []
    print("\n".join([f"  last lines of the kernel's log ({LOG.relative_to(ROOT)}):", *lines]), file=sys.stderr)
    return 1


def start(command, **options):
    """Start a machine that ends with us at the latest."""
    return subprocess.Popen([*DIE_WITH_PARENT, *command], cwd=ROOT, **options)


def run_on_terminal(extra=()):
    """Run with the console on this terminal until the machine ends."""
    words = ("-echr", str(ESCAPE), "-trace", "qemu_system_shutdown_request", *extra)
    wanted = {"extra": words, "command_line": terminal_words()}
    return report(wait_through_interrupts(start(machine("stdio,mux=on,signal=off", **wanted).qemu_command())))


def terminal_words():
    """Return what the kernel's command line says of this terminal (kernel/shell/terminal.py reads it)."""
    columns, rows = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else (0, 0)
    if not rows:
        return ""
    plain = os.environ.get("TERM", "dumb") == "dumb" or os.environ.get("NO_COLOR")
    return f"terminal={columns}x{rows}" + ("" if plain else " colour")


def wait_through_interrupts(process):
    """Wait for a process that shares our terminal; Ctrl-C is for it."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def run_piped():
    """Run with input from a file or pipe: wait for the prompt, type the input, then `exit` at its end.

    Lines that fail fail the run: the others are typed all the same.
    """
    process = start(machine("stdio,signal=off").qemu_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ready = threading.Event()
    threading.Thread(target=type_input, args=(process.stdin, ready), daemon=True).start()
    tail = b""
    while data := os.read(process.stdout.fileno(), 4096):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        tail = (tail + data)[-16:]
        if tail.endswith(PROMPT):
            ready.set()
    status = process.wait()
    failed = complain_of_failed_lines()  # the log is gone after a report of success
    return report(status) or failed


def complain_of_failed_lines():
    """Say how many lines failed, and by which errors, as the kernel's log has it; return the exit status for that."""
    said = LOG.read_text(errors="replace") if LOG.exists() else ""
    failed = [line.removeprefix(LINE_FAILED) for line in said.splitlines() if line.startswith(LINE_FAILED)]
    if failed:
        say(f"lines that failed: {len(failed)} ({', '.join(dict.fromkeys(failed))})")
    return int(bool(failed))


def as_typed(text):
    """Return a script as a person types it at the prompt: a block ends with an empty line, and has none inside.

    In a block the editor indents by itself: Ctrl-U takes that away.
    """
    typed, in_block, is_decorated = [], False, False
    for line in filter(str.strip, text.splitlines()):
        if in_block and not is_decorated and not INSIDE.match(line):
            typed.append(KILL_LINE)
            in_block = False
        in_block = in_block or bool(BLOCK.match(line))
        is_decorated = line.startswith("@")
        typed.append((KILL_LINE if in_block else "") + line)
    return "".join(f"{line}\r" for line in [*typed, *([KILL_LINE] if in_block else []), "exit"])


def type_input(console, ready):
    """Type standard input into a machine's console, a file, once its prompt is there; then `exit`."""
    ready.wait()
    text = sys.stdin.buffer.read().decode(errors="surrogateescape")
    try:
        console.write(as_typed(text).encode(errors="surrogateescape"))
        console.flush()
    except BrokenPipeError:
        pass  # the input itself left the machine


def run():
    """make run."""
    if not sys.stdin.isatty():
        return run_piped()
    say("leave with `exit` at the prompt, or at any time with Ctrl-] then x")
    if os.environ.get("BOOT", "pvh") != "pvh":
        say(ASK)
    return run_on_terminal()


def debug():
    """make debug: the machine waits for gdb on a port of this user's own."""
    port = int(os.environ.get("GDB_PORT") or 25000 + os.getuid() % 5000)
    script = BUILD / "clew.gdb"
    script.write_text(
        f"cd {ROOT}\nfile build/port/kernel.full.elf\nset confirm off\nset pagination off\nsource tools/py_bt.py\n"
        f"target remote 127.0.0.1:{port}\n"
        "echo The CPU waits at its first instruction. c goes on; hbreak NAME stops at a function of the kernel\\n\n"
        "echo (hardware breakpoints work before paging is on). monitor info tlb shows the translations,\\n\n"
        "echo py-bt the lines of Python, bt those of C; info locals and list work in MicroPython's, too.\\n\n"
    )
    say(f"waiting for gdb on port {port}; in another terminal: gdb -x {script.relative_to(ROOT)}")
    say("leave with `exit` at the prompt, or at any time with Ctrl-] then x")
    return run_on_terminal(("-S", "-gdb", f"tcp:127.0.0.1:{port}"))


def pty():
    """make pty: the console on a pty until Ctrl-C, with a link to it that keeps its name."""
    process = start(machine("pty").qemu_command(), stdout=subprocess.PIPE, text=True, start_new_session=True)
    link = BUILD / "console"
    try:
        path = pty_path(process)
        link.unlink(missing_ok=True)
        link.symlink_to(path)
        print(f"{path}", flush=True)
        say(f"the console is {path} (also build/console); for example: .venv/bin/mpremote connect {path} repl")
        say("Ctrl-C here ends the machine")
        return report(process.wait())
    except KeyboardInterrupt:
        return 0
    finally:
        process.kill()
        process.wait()
        link.unlink(missing_ok=True)


def pty_path(process):
    """Return the path of the pty that QEMU says it opened."""
    for line in process.stdout:
        if "redirected to" in line:
            return line.split("redirected to ", 1)[1].split()[0]
    stop(f"QEMU opened no pty; its status is {process.wait()}")


def bochs():
    """make bochs: the second machine, its console on this terminal."""
    if settings.objects():
        stop("OBJECTS: only QEMU can hand files over: make run BOOT=iso OBJECTS='...'")
    if wanted_guard():
        stop("GUARD: Bochs has no protection keys for supervisor pages (PKS): make run GUARD=1")
    if settings.disk():
        stop("DISK: only QEMU has a virtio disk: make run BOOT=iso DISK='...'")
    if wanted_levels() != FOUR_LEVELS:
        stop("PAGING: no CPU of Bochs 2.7 has five levels of page tables: make run BOOT=iso PAGING=5")
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as folder:
        command = bochs_command(folder, server.getsockname()[1], processors=settings.processors())
        with open(LOG, "wb") as log:
            process = start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            server.settimeout(10)
            connection = server.accept()[0]
            if sys.stdin.isatty():
                say(ASK)
            say(f"Bochs boots in 2 s or so; leave with Ctrl-] then x (the kernel's log is in {LOG.relative_to(ROOT)})")
            status = relay(connection)
            if status != SUCCESS:
                say(exit_reason(status))
                return 1
            return 0 if sys.stdin.isatty() else complain_of_failed_lines()
        except TimeoutError:
            say("Bochs did not start: " + (Path(folder) / "bochs.log").read_text(errors="replace")[-500:])
            return 1
        finally:
            process.kill()
            process.wait()


def relay(connection):
    """Copy between this terminal and a socket until the socket or the kernel ends, or the person types Ctrl-] x.

    Returns the kernel's status; success when somebody else ended it.
    Input that is no terminal is typed once the prompt is there, and has been answered when nothing more comes.
    """
    if not os.isatty(sys.stdin.fileno()):
        return relay_piped(connection)
    terminal = sys.stdin.fileno()
    saved = termios.tcgetattr(terminal)
    escaped, tail = False, b""
    try:
        tty.setraw(terminal)
        while True:
            ready, _, _ = select.select([terminal, connection], [], [])
            if connection in ready:
                data = show(connection)
                tail = (tail + data)[-80:]
                if not data or HALTED.search(tail):
                    return halted_with(tail)
            if terminal in ready:
                key = os.read(terminal, 1)
                if escaped and key == b"x":
                    return SUCCESS
                escaped = key == bytes([ESCAPE])
                if not escaped:
                    connection.sendall(key)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, saved)


def relay_piped(connection):
    """Type our input into a socket once the prompt is there; show what comes until it has been quiet for a while."""
    ready = threading.Event()
    threading.Thread(target=type_input, args=(connection.makefile("wb"), ready), daemon=True).start()
    tail = b""
    while select.select([connection], [], [], QUIET_S if ready.is_set() else SLOWEST_BOOT_S)[0]:
        data = show(connection)
        tail = (tail + data)[-80:]
        if not data or HALTED.search(tail):
            break
        if tail.endswith(PROMPT):
            ready.set()
    return halted_with(tail)


def halted_with(text):
    """Return the status that the kernel said it halted with; success if it did not say so."""
    found = HALTED.search(text)
    return int(found[1]) if found else SUCCESS


def show(connection):
    """Print what a socket has; return it, empty at its end."""
    data = connection.recv(4096)
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    return data


def remove_old_logs():
    """Remove the files of runs that are over."""
    for path in BUILD.glob("run-*.log"):
        if not Path(f"/proc/{path.stem.split('-')[1]}").exists():
            path.unlink(missing_ok=True)


def main():
    """Do what the make target of the same name says."""
    actions = {"run": run, "debug": debug, "pty": pty, "bochs": bochs}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        stop(f"usage: run.py {'|'.join(actions)}")
    remove_old_logs()
    check_settings()
    raise SystemExit(actions[sys.argv[1]]())


if __name__ == "__main__":
    main()
