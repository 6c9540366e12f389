"""Small faults in the front doors of operators, names, calls and subscripts."""

LANGUAGE_TESTS = "tests/micropython/test_language.py"

MUTANTS = [
    (
        "a shift to the left forgets that the result may not fit",
        "port/quick/binary.c",
        "if (result >> b == a - 1) {",
        "if (1) {",
        LANGUAGE_TESTS,
    ),
    (
        "a value of the instance is bound to it like a method",
        "port/quick/names.c",
        "found[1] = slot ? MP_OBJ_NULL : object;",
        "found[1] = object;",
        LANGUAGE_TESTS,
    ),
    (
        "an attribute is stored past its class's __setattr__",
        "port/quick/names.c",
        " && !(self->base.type->flags & MP_TYPE_FLAG_HAS_SPECIAL_ACCESSORS)",
        "",
        LANGUAGE_TESTS,
    ),
    (
        "a call with too few arguments goes through",
        "port/quick/calls.c",
        " || n_args + n_defaults < n_positional) {",
        ") {",
        LANGUAGE_TESTS,
    ),
    (
        "an index of a list's length reads what lies behind it",
        "port/quick/subscript.c",
        "< list->len;",
        "<= list->len;",
        LANGUAGE_TESTS,
    ),
    (
        "a module for which there was no memory stays in sys.modules",
        "port/runtime/imports.c",
        "MP_MAP_LOOKUP_REMOVE_IF_FOUND);",
        "MP_MAP_LOOKUP);",
        "tests/micropython/test_imports.py",
    ),
]
