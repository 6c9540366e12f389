# Whether a refusal is one: it speaks of what was asked for, not of the insides. Runs after world.py.
ARITY = "expected at", "takes ", "extra positional", "missing", "unexpected keyword", "extra keyword", "multiple values"

INSIDES = "can't", "unsup", "object of", "object with", "object not", "object isn't"


def words_of(text):
    """The words of a text, and what stands in quotes."""
    return set("".join([c if c.isalpha() or c.isdigit() or c in "_.-" else " " for c in text]).split())


def spoken(value):
    """How a text may speak of a value itself."""
    said = {str(value), repr(value)}
    if type(value) is type:
        said.add(value.__name__)
    if type(value) is int:
        said.add(hex(value))
    return {word for word in said if word}


def tells(text, values, names, by_kind):
    """True when a text names an argument, or one of the values; or its type, which tells enough when that is wrong."""
    words = words_of(text)
    if any([name in words or name.replace("_", " ") in text for name in names]):
        return True
    for value in values:
        if value in (NotImplemented, Ellipsis) and (text[-1:] == " " or "''" in text):
            return True  # their type has no name
        if by_kind and type(value).__name__ in words:
            return True
        for word in spoken(value):
            if word in words or (len(word) > 3 and word in text) or text.endswith(" " + word):
                return True
    return False


def fault_of(error, values, names, what):
    """What is wrong with a refusal, in words, or None. what: "call", "operator", "subscript" or "store"."""
    kind = type(error).__name__
    text = str(error.args[0]) if error.args else ""
    said = "%s: %s" % (kind, text)
    if isinstance(error, (KernelError, faults.ProcessorFault)) or kind == "UsageError":
        return None if str(error) else said
    if kind == "OSError" and any([type(value) is str for value in values]):
        return None  # no file has this name: as open() says it
    if kind in ("MemoryError", "RuntimeError"):
        # Whoever asks for too much hears which argument it was.
        return None if any([name in words_of(text) for name in names]) else said
    if kind == "AttributeError" and what == "store":
        return None if any([name in text for name in names]) else said
    if kind == "TypeError":
        if any([word in text for word in ARITY]) or "wrong kind" in text or "made by" in text:
            return None
        if what != "call" and (" object isn't " in text or " object doesn't support " in text):
            return None
        insides = text[:1] == "'" or any([text.startswith(words) for words in INSIDES])
        if insides and what == "call":
            return said
    elif kind in ("IndexError", "OverflowError") and what == "subscript":
        return None if text else said  # that is how a sequence ends, and what a list says of an index of 65 bits
    elif kind not in ("ValueError", "OverflowError", "IndexError"):
        return said
    return None if tells(text, values, names, kind == "TypeError") else said
