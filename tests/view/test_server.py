"""The server of `make view`: whom it lets in, and what it does when machines, tabs and ports come and go."""

import http.client
import inspect
import os
import re
import signal
import socket
import struct
import sys
import time
from urllib.parse import urlsplit

import machine
import pexpect
import pytest
import settings
import websocket
from harness.page import PATIENCE_S, WELCOME, Tab, View, machine_of
from live_page import server
from live_page.prompt import QUIET_S
from live_page.session import LOOK_S


def get(view, path=None, method="GET", **headers):
    """Ask the server for a path; return (status, text, headers). A header that is None is left out."""
    connection = http.client.HTTPConnection(view.host, timeout=20)
    path = urlsplit(view.url).path if path is None else path
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": view.host, **headers}.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.headers)


def test_the_page_is_there_for_whoever_has_its_address(view):
    status, text, headers = get(view)
    assert (status, "<title>Clew</title>" in text) == (200, True)
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer", "the token is in the address"
    token = urlsplit(view.url).path
    assert len(token.strip("/")) >= 32
    for name in ("page.js", "drawing.js", "page.css", "xterm.js", "xterm.css"):
        assert f'"{name}"' in text + get(view, f"{token}page.js")[1].replace("./", ""), "nothing comes from elsewhere"
        assert get(view, token + name)[0] == 200
    for way_out in ("../session.py", "%2e%2e/session.py", "..%2fsession.py", "xterm/../../session.py", "/etc/passwd"):
        assert get(view, token + way_out)[:2] == (404, "clew: there is no such file\n")


@pytest.mark.parametrize(
    ("path", "headers", "why"),
    [
        ("/", {}, "lacks the token"),
        ("/wrong/", {}, "lacks the token"),
        ("/wrong/live", {}, "lacks the token"),
        ("//live", {}, "lacks the token"),
        ("/" + "x" * 5000 + "/", {}, "lacks the token"),
        ("/%ff%00%e2/", {}, "lacks the token"),
        ("/../page.js", {}, "lacks the token"),
        (None, {"Host": "example.org"}, "under no other name"),
        (None, {"Host": "127.0.0.1"}, "under no other name"),
        (None, {"Host": "127.0.0.1.nip.io:80"}, "under no other name"),
        (None, {"Origin": "http://example.org"}, "another site's page"),
        (None, {"Origin": "null"}, "another site's page"),
    ],
)
def test_nobody_else_comes_in(view, path, headers, why):
    status, text, _ = get(view, path, **headers)
    assert (status, why in text) == (403, True), text


def test_tokens_are_compared_in_a_time_that_says_nothing(view):
    """A part of the token is as good as none, and so is one with something behind it."""
    token = urlsplit(view.url).path.strip("/")
    for wrong in (token[:-1], token + "x", token[:-1] + "~", token.swapcase()):
        assert get(view, f"/{wrong}/")[0] == get(view, f"/{wrong}/live")[0] == 403
    assert "hmac.compare_digest(token" in inspect.getsource(server)


def test_what_is_no_question_is_refused(view):
    """Nothing is taken but GET, and the console is for web sockets."""
    path = urlsplit(view.url).path
    assert get(view, "*")[0] == get(view, path, Host=None)[0] == 400
    assert get(view, path, method="POST")[0] == 405
    assert get(view, "/wrong/", method="POST")[0] == 403
    status, text, _ = get(view, path + "live")
    assert (status, "WebSocket" in text) == (400, True)


@pytest.mark.parametrize("headers", [{"Origin": None}, {"Origin": "http://example.org"}, {"Host": "example.org"}])
def test_no_other_sites_page_gets_the_console(view, headers):
    """Web sockets know no same-origin policy, so the server has one."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Tab(view, **headers)
    assert refused.value.status_code == 403


def test_it_listens_on_loopback_only(view):
    port = int(view.host.rpartition(":")[2])
    with open("/proc/net/tcp") as rows:
        listening = [row.split()[1] for row in rows if row.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_a_port_in_use_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        view = View(VIEW_PORT=str(port))
        status, said = view.stop()
    assert (status, view.url) == (1, "")
    assert said == f"clew: VIEW_PORT={port}: another program has this port: choose another, or none to get a free one\n"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("{", "no JSON"),
        ("[]", "one wish"),
        ("{}", "one wish"),
        ('{"look": {"page": "x", "level": 1}}', "a place is"),
        ('{"look": {"page": 5, "level": 1}}', "a place is"),
        ('{"look": {"page": "5", "level": true}}', "no such place"),
        ('{"look": {"page": "5", "level": 9}}', "no such place"),
        ('{"look": {"page": "fffffffffffffffff", "level": 1}}', "no such place"),
        ('{"start": true}', "the machine runs"),
        ('{"start": false}', "one wish"),
        ("[" * 200_000, "no JSON"),
        ('{"look": []}', "a place is"),
        ('{"look": {"page": "\\ud800", "level": 1}}', "a place is"),
        ('{"look": {"page": "5", "level": 1e999}}', "no such place"),
        ('{"look": {"page": "-5", "level": 1}}', "no such place"),
        ('{"look": {"page": "5"}}', "a place is"),
    ],
)
def test_a_wish_that_cant_be_meant_is_refused_by_name(tab, wish, why):
    tab.socket.send(wish)
    tab.until(lambda: "refused" in tab.told)
    assert why in tab.told["refused"]["why"]


@pytest.mark.parametrize(
    ("opcode", "data", "code"),
    [(websocket.ABNF.OPCODE_BINARY, b"x" * (257 << 10), 1009), (websocket.ABNF.OPCODE_TEXT, b"\xff{", 1007)],
)
def test_what_is_no_message_ends_its_tab_by_name_and_nobody_elses(view, tab, opcode, data, code):
    other = Tab(view)
    frame = websocket.ABNF.create_frame(data, opcode).format()
    other.socket.sock.sendall(frame[: 64 << 10])  # its head says how long it is
    got = None
    while got != websocket.ABNF.OPCODE_CLOSE:
        got, closed = other.socket.recv_data(control_frame=True)
    assert struct.unpack(">H", closed[:2])[0] == code
    other.close()
    assert tab.line("6 * 7") == "42\n"


def test_a_hundred_tabs_of_which_none_reads_take_nothing_from_who_does(view, tab):
    tabs = [Tab(view) for _ in range(100)]
    tab.wish(look={"page": "ffff800000000", "level": 1})
    assert tab.line("6 * 7") == "42\n"
    for each in tabs:
        each.socket.sock.close()
    assert tab.line("7 * 8") == "56\n"


def test_bytes_that_nobody_types_go_to_the_kernel_as_they_are(tab):
    tab.socket.send_binary(bytes(range(128, 256)) + b"\x15")  # and taken back
    assert tab.line("6 * 7") == "42\n"


def test_what_a_line_changes_is_marked_and_two_tabs_see_it(view, tab):
    other = Tab(view).at_prompt()
    tab.line("from memory import *")
    tab.line("m = create_mapping(8192, PteFlags())")
    for each in (tab, other):
        each.until(lambda each=each: each.changes() == 1)
    assert "2 pages" not in other.svg()
    other.until(lambda: other.console.endswith(b"PteFlags())\r\nclew> "))
    other.type("m.drop()\r")
    tab.until(lambda: tab.console.endswith(b"m.drop()\r\nclew> "))  # what the other one has typed
    tab.until(lambda: tab.svg().count('class="mark gone"') == 2 and tab.changes() == 1)
    other.close()


def test_a_tab_that_closes_in_the_middle_takes_nothing_along(view, tab):
    other = Tab(view).at_prompt()
    other.type("for n in range(3): print(n * 'left')\r\r6 *")
    tab.until(lambda: b"for n in" in tab.console)  # what the server has not read is lost with the connection
    other.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    other.socket.sock.close()  # a reset of the connection: nothing was said
    tab.until(lambda: tab.console.endswith(b"clew> 6 *"))
    assert b"leftleft\r\n" in tab.console
    tab.type(" 7\r")
    tab.until(lambda: tab.console.endswith(b"42\r\nclew> "))


def test_owners_come_without_disturbing_who_types(view, tab):
    tab.line("from memory import *; m = 0")
    names = tab.line("len(globals()), hash(str(sorted(globals())))")
    tab.line("m = create_mapping(1 << 20, PteFlags())")
    tab.until(lambda: "1 MiB" in str(tab.told.get("owners")))
    owner = next(row for row in tab.told["owners"]["owners"] if row[2] == "1 MiB")
    cells = tab.told["owners"]["cells"]
    assert owner[0] in cells
    assert tab.console.endswith(b"PteFlags())\r\nclew> "), "nothing of the question is on the screen"
    rows = re.findall(r"^ *p0x\w+ (.*)$", re.sub(r"\x1b\[\d*m", "", tab.line("picture")), re.MULTILINE)
    assert "".join(rows) == cells, "the prompt says the same"
    tab.line("m.drop(); m = 0")
    tab.until(lambda: "1 MiB" not in str(tab.told["owners"]))
    tab.type("\x1b[A")  # the line before, not the question
    tab.until(lambda: tab.console.endswith(b"m.drop(); m = 0"))
    assert tab.line("\x15len(globals()), hash(str(sorted(globals())))") == names


def test_half_a_line_and_what_a_program_reads_are_left_alone(view, tab):
    tab.type("x = input('name> ')\r")
    tab.until(lambda: tab.console.endswith(b"\r\nname> "))
    time.sleep(QUIET_S + 2 * LOOK_S)
    tab.type("abc\r")
    tab.until(lambda: tab.console.endswith(b"abc\r\nclew> "))
    tab.type("x + ")
    time.sleep(QUIET_S + 2 * LOOK_S)
    assert tab.line("'def'") == "'abcdef'\n"


def test_a_busy_kernels_tables_are_seen_as_they_change(tab):
    tab.line("from memory import *")
    before = tab.told["drawing"]["svg"]
    tab.type("m = create_mapping(1 << 16, PteFlags())\r")
    tab.until(lambda: tab.svg() != before)
    tab.at_prompt()
    before = tab.svg()
    tab.type("m.drop()\rwhile True: pass\r\r")
    tab.until(lambda: tab.svg() != before and tab.state() == "busy")
    tab.wish(look={"page": "ffff800000000", "level": 1})
    tab.until(lambda: tab.told.get("entry", {"way": []})["way"])
    way = tab.told["entry"]["way"]
    assert way[0]["level"] == way[-1]["level"] + len(way) - 1
    assert not tab.told["age"]["current"]
    assert tab.told["age"]["seconds"] is not None, "how old the owners are is said"
    tab.wish(look=None)
    tab.until(lambda: not tab.told["entry"]["way"])
    assert len(tab.told["entry"]["below"]) > 3, "what the root has"
    tab.type("\x03")
    tab.at_prompt()
    tab.until(lambda: tab.told["age"]["current"])


def test_a_kernel_that_says_nonsense_of_its_owners_is_said_so(tab):
    tab.until(lambda: tab.told.get("age", {}).get("current"))
    tab.line("import diagnostics.snapshot as s; told = s.tell; s.tell = lambda: print([1])")
    tab.until(lambda: tab.told["age"]["why"])
    assert tab.told["age"]["why"] == "what the kernel said is not who owns what"
    assert tab.told["owners"]["cells"], "those of before are still there"
    tab.line("s.tell = told; del s, told")
    tab.until(lambda: tab.told["age"]["current"])


def test_a_soft_reset_goes_on_in_the_same_tab(tab):
    tab.line("one_of_mine = 5")
    tab.console = b""
    tab.type("\x04")
    tab.until(lambda: b"A command or Python" in tab.console and tab.console.endswith(b"clew> "))
    assert "NameError" in tab.line("one_of_mine")
    tab.until(lambda: tab.state() == "at the prompt")


def test_after_a_panic_the_tables_are_there_and_a_new_machine_can_be_started(tab):
    tab.line("from memory import *")
    tab.line("m = create_mapping(8192, PteFlags())")
    tab.type("import _console; _console.panic('on purpose')\r")
    tab.until(lambda: tab.state() == "ended")
    assert tab.told["state"]["why"] == machine.exit_reason(35)
    assert b"PANIC: on purpose" in tab.console
    tab.wish(look={"page": "ffffc00000000", "level": 1})
    tab.until(lambda: tab.told.get("entry", {"way": []})["way"])
    assert tab.told["entry"]["way"][0]["raw"] != f"{0:#018x}", "RAM is as it was left"
    tab.type("1\r")
    tab.until(lambda: "no machine to type into" in str(tab.told.get("refused")))
    tab.console = b""
    tab.wish(start=True)
    tab.until(lambda: tab.state() == "at the prompt")
    assert tab.line("6 * 7") == "42\n"


def test_qemu_killed_is_said_so(view, tab):
    os.kill(view.machine(), signal.SIGKILL)
    tab.until(lambda: tab.state() == "ended")
    assert tab.told["state"]["why"] == "killed by signal 9"
    tab.wish(start=True)
    tab.until(lambda: tab.state() == "at the prompt")


def test_ctrl_c_ends_the_page_and_the_machine():
    view = View()
    machines_id = view.machine()
    assert view.stop(signal.SIGINT) == (0, f"{WELCOME}clew: SIGINT: the page and its machine have ended\n")
    with pytest.raises(ProcessLookupError):
        os.kill(machines_id, 0)


def test_a_terminal_that_is_closed_ends_the_page_and_the_machine():
    """It is told so by SIGHUP, and there is nobody to say it to."""
    words = [str(machine.ROOT / "tools" / "view.py")]
    terminal = pexpect.spawn(sys.executable, words, timeout=20)
    terminal.expect_exact("Ctrl-C here ends the page and the machine")
    machines_id = machine_of(terminal.pid)
    os.close(terminal.ptyproc.fd)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(machines_id, 0)


def test_a_page_that_is_killed_takes_its_machine_along():
    view = View()
    machines_id = view.machine()
    view.stop(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while os.path.exists(f"/proc/{machines_id}") and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(machines_id, 0)


def test_a_port_that_there_is_not_is_one_line():
    for port in ("0", "80", "65536", "x", "-1", "1e4", "1024 "):
        said = f"VIEW_PORT={port}: give a number from 1024 to 65535"
        assert settings.complaint({"VIEW_PORT": port}) == said
    assert View(VIEW_PORT=port).stop() == (1, f"clew: {said}\n")
