"""Nothing is lost: 100 KB go in through the raw REPL and through the prompt, whatever else the machine is doing."""

import binascii
import select
import time

HUNDRED_KB = 100_000


def test_raw_paste_takes_a_hundred_kilobytes(kernel):
    lines = [f"x{number} = {number}\n" for number in range(6000)]
    code = "".join(lines)[:HUNDRED_KB].rsplit("\n", 1)[0]
    last = code.count("\n")
    begun = time.monotonic()
    assert kernel.exec(code + f"\nprint(x0 + x{last})", timeout=30) == f"{last}\n"
    assert time.monotonic() - begun < 20
    assert kernel.eval("__import__('_console').overruns()") == 0


def test_a_string_of_a_hundred_kilobytes_arrives_unchanged(kernel):
    text = "".join(chr(33 + place % 90) for place in range(HUNDRED_KB)).replace("\\", "/").replace("'", '"')
    assert kernel.exec(f"import binascii; print(binascii.crc32(b'{text}'))", timeout=30).strip() == str(crc(text))


def crc(text):
    """Return the CRC-32 of a text."""
    return binascii.crc32(text.encode())


def test_lines_pasted_at_the_prompt_all_run(console):
    """Each line is echoed and run while the next ones arrive."""
    console.command("total = 0")
    count = HUNDRED_KB // 50
    lines = [f"total += {number:6d}  # {'.' * 27}" for number in range(count)]
    paste = "".join(line + "\r" for line in lines).encode()
    assert len(paste) >= 0.9 * HUNDRED_KB
    feed(console, paste)
    console.sendline("print('total is', total)")
    console.expect_exact(f"total is {sum(range(count))}", timeout=60)
    console.wait_for_prompt()
    assert console.command("import _console; _console.overruns()") == "0\n"


def feed(console, data):
    """Type data while reading what comes back, as a terminal does: neither side may wait for the other for ever."""
    while data:
        console.drain(0)
        data = data[console.connection.send(data[:4096]) :] if can_write(console) else data


def can_write(console):
    """Answer whether the console takes more input now."""
    return bool(select.select([], [console.connection], [], 0.05)[1])


def test_what_is_typed_while_python_is_busy_waits_in_the_ring(kernel):
    """More than the ring holds: the serial line itself is held up, and nothing is dropped."""
    kernel.exec("import sys, time")
    size = 20_000
    kernel.start(f"time.sleep(0.5)\ndata = sys.stdin.buffer.read({size})\nprint(len(data), sum(data))")
    sent = bytes(range(32, 127)) * 211
    kernel.transport.serial.write(sent[:size])
    assert kernel.finish(30) == f"{size} {sum(sent[:size])}\n"
    assert kernel.eval("__import__('_console').overruns()") == 0
