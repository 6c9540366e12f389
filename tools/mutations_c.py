"""The places for small faults in a C source, token by token, inside of functions only.

C without its preprocessor can't be parsed for sure, so what isn't plainly a fault's place is left alone: directives and
macros, inline assembler, declarations, what names a type. What the compiler refuses all the same is found out when
it is built.
"""

import itertools
import re

TOKEN = re.compile(
    rb"""
    (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*) | (?P<comment>//[^\n]*|/\*.*?\*/) | (?P<space>\s+) |
    (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*') | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*\b) |
    (?P<word>[A-Za-z_]\w*) | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
COMPARISONS = {b"<": b"<=", b"<=": b"<", b">": b">=", b">=": b">", b"==": b"!=", b"!=": b"=="}
NO_CALL = {b"if", b"for", b"while", b"switch", b"return", b"sizeof", b"_Static_assert", b"MP_ERROR_TEXT"}
NO_STATEMENT = NO_CALL - {b"MP_ERROR_TEXT"} | {
    *(b"else", b"do", b"case", b"default", b"goto", b"typedef", b"static", b"const", b"struct", b"enum", b"union"),
    *(b"unsigned", b"int", b"char", b"bool", b"long", b"void", b"volatile", b"extern", b"register", b"asm"),
}
ASSEMBLER = {b"asm", b"__asm__", b"__asm"}
OPENING, CLOSING = {b"(": b")", b"[": b"]", b"{": b"}"}, {b")", b"]", b"}"}


def tokens_of(source):
    """Return the (kind, text, start) of what the compiler sees, without directives."""
    found = [(match.lastgroup, match[0], match.start()) for match in TOKEN.finditer(source)]
    return [token for token in found if token[0] not in ("directive", "comment", "space")]


def closing(tokens, at):
    """Return the index of the token that closes the bracket at an index."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += (tokens[index][1] in OPENING) - (tokens[index][1] in CLOSING)
        if depth == 0:
            return index
    return len(tokens) - 1


def functions(tokens):
    """Yield (name, the tokens of its body, braces included)."""
    at = 0
    while at < len(tokens):
        if tokens[at][1] == b"{":
            end = closing(tokens, at)
            if at and tokens[at - 1][1] == b")":
                yield name_before(tokens, at - 1), tokens[at : end + 1]
            at = end
        at += 1


def name_before(tokens, close):
    """Return the word in front of the brackets that close at an index; of NATIVE_1(name, ...), the name."""
    depth = 0
    for index in range(close, -1, -1):
        depth += (tokens[index][1] == b")") - (tokens[index][1] == b"(")
        if depth == 0:
            before = tokens[index - 1]
            if index and before[1].startswith(b"NATIVE_"):
                return tokens[index + 1][1].decode()
            return before[1].decode() if index and before[0] == "word" else "?"
    return "?"


def places(source):
    """Return the places of a source's bytes; each is (function, operator, start, end, new bytes)."""
    found = []
    for name, body in functions(tokens_of(source)):
        body = without_assembler(body)
        for maker in comparisons, constants, dropped_nots, swapped_arguments, deleted_statements:
            found += [(name, *place) for place in maker(source, body)]
    return found


def without_assembler(body):
    """Return tokens without asm(...)."""
    kept, at = [], 0
    while at < len(body):
        if body[at][1] in ASSEMBLER:
            while body[at][1] != b"(":
                at += 1
            at = closing(body, at)
        else:
            kept.append(body[at])
        at += 1
    return kept


def comparisons(_, body):
    """Comparisons that include their border or leave it out."""
    for kind, text, start in body:
        if kind == "sign" and text in COMPARISONS:
            yield "compare", start, start + len(text), COMPARISONS[text]


def constants(_, body):
    """Numbers and one more."""
    for kind, text, start in body:
        if kind == "number":
            digits = text.rstrip(b"uUlL")
            value = int(digits, 16 if digits[:2].lower() == b"0x" else 8 if digits[:1] == b"0" else 10)
            more = hex(value + 1) if digits[:2].lower() == b"0x" else str(value + 1)
            yield "constant", start, start + len(text), more.encode() + text[len(digits) :]


def dropped_nots(_, body):
    """Conditions without their `!`."""
    for _, text, start in body:
        if text == b"!":
            yield "dropped not", start, start + 1, b""


def swapped_arguments(source, body):
    """Calls with two neighbouring arguments in the wrong order."""
    for at, (kind, text, _) in enumerate(body[:-1]):
        if kind == "word" and text not in NO_CALL and body[at + 1][1] == b"(":
            spans = arguments(body, at + 1)
            for (start, first_end), (second, end) in itertools.pairwise(spans):
                one, other = source[start:first_end], source[second:end]
                if one != other:
                    yield "swapped argument", start, end, other + source[first_end:second] + one


def arguments(body, opening):
    """Return the (start, end) of each argument of a call."""
    spans, depth, first, end = [], 0, None, 0
    for _, text, start in body[opening + 1 : closing(body, opening) + 1]:
        if depth == 0 and text in (b",", b")"):
            if first is not None:
                spans.append((first, end))
            first = None
            continue
        depth += (text in OPENING) - (text in CLOSING)
        first = start if first is None else first
        end = start + len(text)
    return spans


def deleted_statements(_, body):
    """Statements left out: calls, assignments, `return;`, `break;`, `continue;`. No declarations."""
    round_depth, begins = 0, None
    for at, (_, text, start) in enumerate(body):
        if round_depth == 0 and at and body[at - 1][1] in (b";", b"{", b"}"):
            begins = at
        round_depth += (text in (b"(", b"[")) - (text in (b")", b"]"))
        if text == b";" and round_depth == 0 and begins is not None:
            if is_deletable(body[begins:at]):
                yield "deleted statement", body[begins][2], start, b""
            begins = None


def is_deletable(statement):
    """Answer whether tokens are a statement that can be left out: a call, an assignment or a jump."""
    texts = [text for _, text, _ in statement]
    if not texts or statement[0][0] == "text" or texts[0] in NO_STATEMENT or b"{" in texts:
        return texts == [b"return"]
    if texts[0] in (b"break", b"continue"):
        return True
    if len(texts) < 2 or (statement[0][0] == "word" and statement[1][0] == "word") or texts[0] == b"(":
        return False
    is_pointer = statement[0][0] == "word" and texts[1] == b"*" and len(texts) > 2 and statement[2][0] == "word"
    return not is_pointer
