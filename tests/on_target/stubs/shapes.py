# What kind of thing a value is, as text: its class and those it stands on, `Page<Chunk`; `tuple[int, str]`.


def shape(value, depth=2):
    if value is None:
        return "None"
    if type(value) in (tuple, list) and depth:
        return "%s[%s]" % (type(value).__name__, ", ".join([shape(each, depth - 1) for each in value]))
    names, kinds = [type(value).__name__], [type(value)]
    while kinds:
        for base in getattr(kinds.pop(), "__bases__", ()):
            if base is not object:
                names.append(base.__name__)
                kinds.append(base)
    return "<".join(names)


def shapes(asked):
    # {"Class.attribute": [the shapes that the samples have]} of {class: [attributes]}.
    found = {}
    for kind, values in samples.items():
        for value in values:
            for name in asked.get(kind, ()):
                try:
                    said = shape(getattr(value, name))
                except AttributeError:
                    said = "nothing"
                found.setdefault(kind + "." + name, []).append(said)
    return found
