"""Pure logic of the kernel, run by MicroPython on this machine: the same sources, the same language, viper included.

Nothing that claims something about paging runs here.
"""

import ast
import json
import os
import subprocess
import textwrap

import machine

from harness.unix import MICROPYTHON

TARGET = machine.ROOT / "tests" / "on_target" / "unix_port"

# Evaluates a JSON list of expressions after a setup; prints [kind, text] for each: a value, or an error with its text.
EVALUATE = """
import json, sys
exec(open(sys.argv[1]).read())
answers = []
for expression in json.load(open(sys.argv[2])):
    try:
        answers.append(["value", repr(eval(expression))])
    except Exception as error:
        answers.append([type(error).__name__, str(error.args[0]) if error.args else ""])
print(json.dumps(answers))
"""


def run(script, *arguments, heap="64m", timeout=110):
    """Run a script file with the kernel's packages importable; return what it printed. AssertionError if it failed."""
    environment = {**os.environ, "MICROPYPATH": f"{TARGET}:{machine.ROOT / 'kernel'}"}
    command = [str(MICROPYTHON), "-X", f"heapsize={heap}", str(script), *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, f"{script} {' '.join(map(str, arguments))}:\n{result.stdout}{result.stderr}"
    return result.stdout


def run_code(folder, code, *arguments):
    """Run MicroPython code, given as text, from a file in a folder; return what it printed."""
    path = folder / "code.py"
    path.write_text(textwrap.dedent(code))
    return run(path, *arguments)


def evaluate(folder, setup, expressions):
    """Evaluate expressions after some setup code; return [kind, text] for each: "value" and its repr, or an error."""
    (folder / "setup.py").write_text(setup)
    (folder / "expressions.json").write_text(json.dumps(expressions))
    return json.loads(run_code(folder, EVALUATE, folder / "setup.py", folder / "expressions.json"))


def literal(answer):
    """Return the Python value of an answer; AssertionError if it is an error."""
    kind, text = answer
    assert kind == "value", f"{kind}: {text}"
    return ast.literal_eval(text)


def rows_of(table):
    """Yield (expression, expected) of a table of lines; the last " | " divides them."""
    for line in table.strip().splitlines():
        yield tuple(line.rsplit(" | ", 1))


def wrong_rows(folder, setup, table):
    """Return a line for each row of a table that gives something else than it says: a repr, or an error's class."""
    rows = list(rows_of(table))
    answers = evaluate(folder, setup, [expression for expression, _ in rows])
    return [
        f"{expression}: {kind} {text}, expected {expected}"
        for (expression, expected), (kind, text) in zip(rows, answers, strict=True)
        if expected != (text if kind == "value" else kind)
    ]
