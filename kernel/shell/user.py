"""The user's own names: what `__main__` holds; and what can be asked of any object, without asking it."""

import __main__

NAMES = __main__.__dict__


def attribute_names(value):
    """Return the names of a value's attributes, as far as they are known without reading any of them."""
    if value is None:
        return []
    names = list(getattr(value, "__dict__", ()))
    kinds = [value] if isinstance(value, type) else [type(value)]
    is_known = bool(names)
    while kinds:
        kind = kinds.pop()
        inner = getattr(kind, "__dict__", None)
        if inner:
            names += list(inner)
            is_known = True
        kinds += [base for base in getattr(kind, "__bases__", ()) if base is not object]
    if "__getattr__" in names:
        names += attribute_names(range_of(value))
    return sorted(set(names)) if is_known else dir(value)


def range_of(value):
    """Return the range of what owns one and can be asked all that its range can be, or None if it is over."""
    try:
        return value.range
    except Exception:
        return None
