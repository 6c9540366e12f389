#!/usr/bin/env python3
"""Run the kernel for a person: make run, make debug, make pty, make bochs.

The exit status is 0 only if the kernel said success itself or the person left by hand; everything else, a triple
fault included, is reported with the end of the kernel's log.
"""

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from pathlib import Path

from machine import BUILD, ROOT, SUCCESS, Machine, bochs_command, exit_reason
from say import say, stop

ESCAPE = 0x1D  # Ctrl-]: Ctrl-A belongs to the prompt (raw REPL, start of line)
LEFT_BY_HAND = b"QEMU: Terminated"
PROMPT = b"> "
LOG = BUILD / "run.log"
TRACE = BUILD / "run-trace.log"


def machine(console, **settings):
    """Return the person's machine: the environment's MEMORY, BOOT and CPU change it."""
    for name in ("MEMORY", "BOOT", "CPU"):
        if os.environ.get(name):
            settings[name.lower()] = os.environ[name]
    return Machine(console=console, log=f"file,path={LOG}", trace=str(TRACE), **settings)


def report(status, left_by_hand=False):
    """Say how the machine ended; return our own exit status."""
    if status == SUCCESS or left_by_hand:
        return 0
    trace = TRACE.read_text(errors="replace") if TRACE.exists() else ""
    say(f"QEMU ended with status {status}: {exit_reason(status, trace)}")
    lines = LOG.read_text(errors="replace").splitlines()[-30:] if LOG.exists() else []
    print("\n".join(["  last lines of the kernel's log (build/run.log):", *lines]), file=sys.stderr)
    return 1


def watch_errors(process, seen):
    """Pass QEMU's messages on, and remember whether the person left by hand."""
    for line in process.stderr:
        seen.append(LEFT_BY_HAND in line)
        sys.stderr.buffer.write(line)
        sys.stderr.flush()


def run_on_terminal(extra=()):
    """Run with the console on this terminal until the machine ends."""
    command = machine("stdio,mux=on,signal=off", extra=("-echr", str(ESCAPE), *extra)).qemu_command()
    seen = []
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    watcher = threading.Thread(target=watch_errors, args=(process, seen))
    watcher.start()
    status = wait_through_interrupts(process)
    watcher.join()
    return report(status, any(seen))


def wait_through_interrupts(process):
    """Wait for a process that shares our terminal; Ctrl-C is for it."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def run_piped():
    """Run with input from a file or pipe: wait for the prompt, type the input, then `exit` at its end."""
    process = subprocess.Popen(
        machine("stdio,signal=off").qemu_command(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    typist = threading.Thread(target=type_input, args=(process, ready := threading.Event()), daemon=True)
    typist.start()
    tail = b""
    while data := os.read(process.stdout.fileno(), 4096):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        tail = (tail + data)[-16:]
        if tail.endswith(PROMPT):
            ready.set()
    return report(process.wait())


def type_input(process, ready):
    """Type standard input into the machine once its prompt is there."""
    ready.wait()
    text = sys.stdin.buffer.read().replace(b"\r\n", b"\n")
    if text and not text.endswith(b"\n"):
        text += b"\n"
    try:
        process.stdin.write(text.replace(b"\n", b"\r") + b"exit\r")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # the input itself left the machine


def run():
    """make run."""
    if not sys.stdin.isatty():
        return run_piped()
    say("leave with `exit` at the prompt, or at any time with Ctrl-] then x")
    return run_on_terminal()


def debug():
    """make debug: the machine waits for gdb on a port of this user's own."""
    port = int(os.environ.get("GDB_PORT", 25000 + os.getuid() % 5000))
    script = BUILD / "clew.gdb"
    script.write_text(
        f"file {BUILD / 'port' / 'kernel.full.elf'}\nset confirm off\nset pagination off\n"
        f"target remote 127.0.0.1:{port}\n"
        "echo The CPU waits at its first instruction. c goes on; hbreak NAME stops at a function of the kernel\\n\n"
        "echo (hardware breakpoints work before paging is on). monitor info tlb shows the translations.\\n\n"
    )
    say(f"waiting for gdb on port {port}; in another terminal: gdb -x {script.relative_to(ROOT)}")
    say("leave with `exit` at the prompt, or at any time with Ctrl-] then x")
    return run_on_terminal(("-S", "-gdb", f"tcp:127.0.0.1:{port}"))


def pty():
    """make pty: the console on a pty until Ctrl-C, with a link to it that keeps its name."""
    process = subprocess.Popen(
        machine("pty").qemu_command(), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
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
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as folder:
        command = bochs_command(folder, server.getsockname()[1])
        with open(LOG, "wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            server.settimeout(10)
            connection = server.accept()[0]
            say("Bochs boots in 2 s or so; leave with Ctrl-] then x (the kernel's log is in build/run.log)")
            relay(connection)
            return 0
        except TimeoutError:
            say("Bochs did not start: " + (Path(folder) / "bochs.log").read_text(errors="replace")[-500:])
            return 1
        finally:
            process.kill()
            process.wait()


def relay(connection):
    """Copy between this terminal and a socket until either ends or the person types Ctrl-] x."""
    terminal = sys.stdin.fileno()
    saved = termios.tcgetattr(terminal) if os.isatty(terminal) else None
    selector = selectors.DefaultSelector()
    for channel in (terminal, connection):
        selector.register(channel, selectors.EVENT_READ)
    escaped = False
    try:
        if saved:
            tty.setraw(terminal)
        while True:
            for key, _ in selector.select():
                if key.fileobj is connection:
                    if not (data := connection.recv(4096)):
                        return
                    sys.stdout.buffer.write(data)
                    sys.stdout.flush()
                    continue
                data = os.read(terminal, 1)
                if not data:
                    selector.unregister(terminal)
                    threading.Thread(target=end_input, args=(connection,), daemon=True).start()
                elif escaped and data == b"x":
                    return
                elif data[0] == ESCAPE:
                    escaped = True
                else:
                    escaped = False
                    connection.sendall(data.replace(b"\n", b"\r"))
    finally:
        if saved:
            termios.tcsetattr(terminal, termios.TCSADRAIN, saved)


def end_input(connection):
    """Leave the machine some seconds to answer piped input, then close the console."""
    time.sleep(10)
    connection.shutdown(socket.SHUT_RDWR)


def main():
    """Do what the make target of the same name says."""
    actions = {"run": run, "debug": debug, "pty": pty, "bochs": bochs}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        stop(f"usage: run.py {'|'.join(actions)}")
    for old in (LOG, TRACE):
        old.unlink(missing_ok=True)
    raise SystemExit(actions[sys.argv[1]]())


if __name__ == "__main__":
    main()
