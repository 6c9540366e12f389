"""The reference of the book: the public surface as Python files that hold nothing but signatures and docstrings.

sphinx-autoapi makes the pages of them, without having to find its way through the kernel's rooms. Docstrings are plain
text; here they become reStructuredText, word for word: `names` in code type, tables and examples as they stand.
"""

import ast
import re
import shutil
import textwrap

import surface

COLUMNS_APART = re.compile(r"\S {2,}\S")
SPECIAL = re.compile(r"([\\*|]|\b_|_\b)")


def write(folder):
    """Write the pages of the surface as Python files into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    names = [page.page for page, _ in surface.surface()]
    for page, entries in surface.surface():
        path = folder / page.page.replace(".", "/")
        is_package = any(name.startswith(page.page + ".") for name in names)
        path = path / "__init__.py" if is_package else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [quoted(page.text, ""), *(source_of(entry) for entry in entries)]
        path.write_text("\n\n".join(parts) + "\n")


def source_of(entry, indent=""):
    """Return Python text that says what an Entry is, and does nothing."""
    name = entry.name.rpartition(".")[2]
    inner = indent + "    "
    if entry.kind == "constant":
        is_single = isinstance(entry.node.targets[0], ast.Name)
        return f"{indent}{name} = {ast.unparse(entry.node.value) if is_single else '...'}\n" + quoted(
            entry.text, indent
        )
    if entry.kind == "class":
        made = entry.signature[len(name) :]
        lines = [f"{indent}class {name}{'(' + ', '.join(entry.bases) + ')' if entry.bases else ''}:"]
        lines += [quoted(entry.text, inner)]
        if made:
            lines += [f"{inner}def __init__{with_self(made)}: ..."]
        return "\n".join([*lines, *(source_of(member, inner) for member in entry.members)])
    called = entry.signature.rpartition(".")[2][len(name) :]
    lines = [f"{indent}@property"] if entry.kind == "property" else []
    parameters = called if entry.kind == "function" else with_self(called or "()")
    return "\n".join([*lines, f"{indent}def {name}{parameters}:", quoted(entry.text, inner), f"{inner}..."])


def with_self(called):
    """Return parameters with the one that a method has besides."""
    return "(self, " + called[1:] if called != "()" else "(self)"


def quoted(text, indent):
    """Return a docstring for a generated file."""
    return textwrap.indent(f'"""{as_rest(text)}"""'.replace("\\", "\\\\"), indent)


def as_rest(text):
    """Return plain text as reStructuredText: paragraphs, and what is laid out by hand as it stands."""
    parts = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        while lines and lines[0].strip():
            by_hand = is_laid_out(lines)
            count = next((i for i, _ in enumerate(lines) if is_laid_out(lines[i:]) != by_hand), len(lines))
            part = "\n".join(lines[:count])
            parts.append("::\n\n" + textwrap.indent(textwrap.dedent(part), "    ") if by_hand else escaped(part))
            lines = lines[count:]
    return "\n\n".join(parts)


def is_laid_out(lines):
    """Answer whether a run of lines begins with what is laid out by hand: indented, or in columns."""
    return lines[0].startswith("    ") or bool(COLUMNS_APART.search(lines[0].replace(".  ", ". ")))


def escaped(paragraph):
    """Return a paragraph with `names` as literals, and whatever reStructuredText would read as markup as it is."""
    parts = re.split(r"(`[^`\n]+`)", paragraph)
    return "".join(f"`{part}`" if place % 2 else SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts))
