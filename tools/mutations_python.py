"""The places for small faults in a Python source, by the standard library's parser."""

import ast
import re

COMPARISONS = {
    ast.Lt: (rb"<", b"<="),
    ast.LtE: (rb"<=", b"<"),
    ast.Gt: (rb">", b">="),
    ast.GtE: (rb">=", b">"),
    ast.Eq: (rb"==", b"!="),
    ast.NotEq: (rb"!=", b"=="),
    ast.Is: (rb"\bis\b", b"is not"),
    ast.IsNot: (rb"\bis\s+not\b", b"is"),
    ast.In: (rb"\bin\b", b"not in"),
    ast.NotIn: (rb"\bnot\s+in\b", b"in"),
}
DELETABLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Return, ast.Delete, ast.Break, ast.Continue)


class Finder(ast.NodeVisitor):
    """Collects (function, operator, start, end, new bytes) of a source's bytes into .places."""

    def __init__(self, source):
        self.source = source
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.names = []
        self.places = []

    def span(self, node):
        """Return where a node lies: its first byte, and the one behind its last."""
        start = self.lines[node.lineno - 1] + node.col_offset
        return start, self.lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node):
        """Return a node's source."""
        start, end = self.span(node)
        return self.source[start:end]

    def add(self, operator, start, end, new):
        """Note a place."""
        self.places.append((".".join(self.names) or "module", operator, start, end, new))

    def visit_in(self, node, *parts):
        """Visit parts of a definition under its name."""
        self.names.append(node.name)
        for part in parts:
            self.visit(part)
        self.names.pop()

    def visit_ClassDef(self, node):
        self.visit_in(node, *node.body)

    def visit_FunctionDef(self, node):
        """A function's defaults and body; neither decorators nor annotations do anything on the target."""
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        self.visit_in(node, *defaults, *node.body)
        self.delete_statements(node)

    def visit_AnnAssign(self, node):
        if node.value:
            self.visit(node.value)

    def visit_JoinedStr(self, node):
        """Texts stay: what they say word by word is no promise."""

    def delete_statements(self, function):
        """Note the statements of a function's own that can be left out; a docstring is none."""
        waiting = list(function.body)
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, DELETABLE) and not is_text:
                self.names.append(function.name)
                self.add("deleted statement", *self.span(node), b"pass")
                self.names.pop()
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            handlers = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.ExceptHandler)]
            waiting += [child for handler in handlers for child in handler.body]

    def visit_Compare(self, node):
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
            pattern, new = COMPARISONS[type(operator)]
            gap, end = self.span(left)[1], self.span(right)[0]
            found = re.search(pattern, self.source[gap:end])
            self.add("compare", gap + found.start(), gap + found.end(), new)
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, bool):
            self.add("constant", *self.span(node), str(not node.value).encode())
        elif isinstance(node.value, int):
            self.add("constant", *self.span(node), one_more(self.text(node), node.value))

    def visit_Call(self, node):
        for one, other in zip(node.args, node.args[1:], strict=False):
            texts = self.text(one), self.text(other)
            if texts[0] != texts[1] and not any(isinstance(argument, ast.Starred) for argument in (one, other)):
                (start, first_end), (second, end) = self.span(one), self.span(other)
                self.add("swapped argument", start, end, texts[1] + self.source[first_end:second] + texts[0])
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            self.add("dropped not", *self.span(node), re.sub(rb"^not\b\s*", b"", self.text(node)))
        self.generic_visit(node)


def one_more(text, value):
    """Return a number's source for one more, written alike."""
    return hex(value + 1).encode() if text[:2].lower() == b"0x" else str(value + 1).encode()


def places(source):
    """Return the places of a source's bytes; each is (function, operator, start, end, new bytes)."""
    finder = Finder(source)
    finder.visit(ast.parse(source))
    return finder.places
