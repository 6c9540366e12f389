"""The code of the book as files that pyright can judge: what a chapter types, without what is meant to be refused."""

import ast
import re
import sys

from machine import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from harness.transcripts import sessions

CODE = BUILD / "book-code"
REFUSED = re.compile(r"^\w+(?:Error|Exception|Fault)?: |^Traceback", re.MULTILINE)


def inputs(session):
    """Yield (whole input, what it printed) of a Session: a block is one input."""
    lines, shown = [], []
    for _, exchanges in session.blocks:
        for exchange in exchanges:
            if exchange.prompt == "clew>" and lines:
                yield "\n".join(lines), "\n".join(shown)
                lines, shown = [], []
            lines.append(exchange.typed)
            shown += exchange.shown
    yield "\n".join(lines), "\n".join(shown)


def is_python(text):
    """Answer whether an input is Python, not a command with arguments or a word alone."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return not (len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Name))


def write():
    """Write build/book-code: a file for each chapter."""
    CODE.mkdir(parents=True, exist_ok=True)
    for old in CODE.glob("*.py"):
        old.unlink()
    for chapter in sorted((ROOT / "docs" / "book").glob("*.md")):
        parts = []
        for session in sessions(chapter.read_text(), chapter.name):
            parts += [text for text, shown in inputs(session) if is_python(text) and not REFUSED.search(shown)]
        (CODE / f"chapter_{chapter.stem.replace('-', '_')}.py").write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    write()
