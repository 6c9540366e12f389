"""`make view` as its users have it: its server, started as a person does, and tabs without a browser."""

import json
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import machine
import websocket

PROMPT = b"clew> "
PATIENCE_S = 8
WELCOME = "clew: open this address in a browser on this machine; Ctrl-C here ends the page and the machine\n"


def machine_of(server):
    """Return the process id of a server's machine, which is started once the address was printed."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        told = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False)
        if told.stdout:
            return int(told.stdout.split()[-1])
    raise AssertionError(f"the server {server} has no machine")


class View:
    """A running `make view`. url: what it printed."""

    def __init__(self, **environment):
        command = [*machine.DIE_WITH_PARENT, sys.executable, str(machine.ROOT / "tools" / "view.py")]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        self.url = self.process.stdout.readline().strip()

    @property
    def host(self):
        return urlsplit(self.url).netloc

    def machine(self):
        """Return the process id of its machine."""
        return machine_of(self.process.pid)

    def stop(self, number=signal.SIGTERM):
        """End it with a signal; return its status and what it said to a person."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode, said


class Tab:
    """A tab without a browser: typed bytes, the console's text, and the newest message of each kind."""

    def __init__(self, view, **headers):
        wanted = {"Origin": f"http://{view.host}", **headers}
        origin, host = wanted.pop("Origin"), wanted.pop("Host", None)
        url = "ws" + view.url.removeprefix("http") + "live"
        options = {"suppress_origin": True} if origin is None else {"origin": origin}
        self.socket = websocket.create_connection(url, timeout=PATIENCE_S, host=host, **options)
        self.console = b""
        self.told = {}
        self.count = 0

    def hear(self):
        """Take the next message."""
        data = self.socket.recv()
        if isinstance(data, bytes):
            self.console += data
        else:
            message = json.loads(data)
            self.told[message["kind"]] = message
        self.count += 1

    def until(self, condition):
        """Hear until a condition holds; return its value."""
        while not (value := condition()):
            try:
                self.hear()
            except websocket.WebSocketTimeoutException:
                told = {kind: str(message)[:200] for kind, message in self.told.items()}
                raise AssertionError(f"nothing more came: {self.console[-300:]}, {self.changes()}, {told}") from None
        return value

    def at_prompt(self):
        """Wait until the kernel is at its prompt."""
        self.until(lambda: self.console.endswith(PROMPT))
        return self

    def type(self, text):
        """Type a text."""
        self.socket.send_binary(text.encode())

    def line(self, text):
        """Type a line; return what was printed up to the next prompt."""
        self.console = b""
        self.type(text + "\r")
        self.until(lambda: self.console.count(b"\n") and self.console.endswith(PROMPT))
        return self.console.decode().partition("\r\n")[2].removesuffix(PROMPT.decode()).replace("\r", "")

    def wish(self, **what):
        """Ask for something in JSON."""
        self.socket.send(json.dumps(what))

    def svg(self):
        """Return the newest drawing."""
        return self.told.get("drawing", {}).get("svg", "")

    def changes(self):
        """Return how many places the newest drawing marks."""
        return self.told.get("drawing", {}).get("changes")

    def state(self):
        """Return what the machine does."""
        return self.told.get("state", {}).get("state")

    def close(self):
        self.socket.close()
