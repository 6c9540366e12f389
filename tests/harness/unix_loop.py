# The MicroPython side of harness/unix.py: reads programs, each preceded by a line with its length; answers each with
# a line of two lengths, then its output and its traceback.

import io
import sys


def answer(program, names):
    """Run a program; return what it printed with `show`, and its traceback."""
    shown = []
    names["show"] = lambda *values: shown.append(" ".join(str(value) for value in values) + "\n")
    try:
        exec(program, names)
    except Exception as error:
        traceback = io.StringIO()
        sys.print_exception(error, traceback)
        return "".join(shown), traceback.getvalue()
    return "".join(shown), ""


names = {"__name__": "__main__"}
while True:
    line = sys.stdin.buffer.readline()
    if not line:
        break
    texts = [text.encode() for text in answer(sys.stdin.buffer.read(int(line)), names)]
    sys.stdout.buffer.write(b"%d %d\n%s%s" % (len(texts[0]), len(texts[1]), texts[0], texts[1]))
