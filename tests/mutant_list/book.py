"""The book and the help at the prompt say what is."""

TYPED = "tests/house/test_book.py"
HELP = "tests/shell/test_help.py"

MUTANTS = (
    (
        "what a line prints may be anything",
        "tests/harness/transcripts.py",
        "elif not agrees:",
        "elif False:",
        f"{TYPED}::test_a_block_that_fails_names_text_block_and_line",
    ),
    (
        "a masked number takes what stands behind it along",
        "tests/harness/transcripts.py",
        "pattern += re.escape(after)",
        'pattern += f"[0-9a-f]{{{len(after)}}}"',
        f"{TYPED}::test_only_what_is_named_may_vary_and_only_as_one_number",
    ),
    (
        "a number that varies need not be the same one throughout",
        "tests/harness/transcripts.py",
        "if self.found.setdefault(what, value) != value:",
        "if self.found.setdefault(what, value) is None:",
        f"{TYPED}::test_only_what_is_named_may_vary_and_only_as_one_number",
    ),
    (
        "numbers of one digit may vary",
        "tests/harness/transcripts.py",
        "(value == digits and len(digits) < SHORTEST)",
        "(value == digits and len(digits) < 1)",
        f"{TYPED}::test_what_may_not_vary_is_refused",
    ),
    (
        "a picture of other colours is the same picture",
        "tools/book.py",
        "(class|fill)=",
        "(class)=",
        f"{TYPED}::test_a_picture_of_something_else_says_something_else",
    ),
    (
        "a link to a place that a page does not have is none that leads nowhere",
        "tools/book.py",
        "or (place and",
        "or (not file and place and",
        "tests/tools/test_book.py::test_a_link_that_leads_nowhere_is_found",
    ),
    (
        "a text of help is cut",
        "tools/help_texts.py",
        r"\n{entry.signature}\n{entry.text}",
        r"\n{entry.signature}\n{entry.text[:300]}",
        f"{HELP}::test_every_public_name_with_a_docstring_is_packed",
    ),
    (
        "help leaves out the last paragraph",
        "kernel/shell/reference.py",
        'yield from fitted(" ".join(prose), width, 0) if prose else ()\n\n',
        "yield from ()\n\n",
        f"{HELP}::test_help_prints_the_docstring_however_it_is_asked",
    ),
    (
        "help knows no inherited methods",
        "tools/surface.py",
        "lineage = list(with_bases(origin, node))",
        "lineage = [(origin, node)]",
        f"{HELP}::test_a_class_says_what_it_can_be_asked_inherited_or_not",
    ),
    (
        "help on a name of one's own is about the kernel's",
        "kernel/shell/reference.py",
        "if thing is value or (text",
        "if thing is not None or (text",
        f"{HELP}::test_help_prints_the_docstring_however_it_is_asked",
    ),
    (
        "help finds a bound method by any ending",
        "kernel/shell/reference.py",
        'return ".%s>" % repr(thing)',
        'return ">"',
        f"{HELP}::test_whatever_is_asked_is_answered_about_that_in_80_columns",
    ),
    (
        "what several classes share is called by the first one's name",
        "kernel/shell/reference.py",
        "        if asked:\n            self.signature",
        "        if not asked:\n            self.signature",
        f"{HELP}::test_every_public_name_is_answered_by_its_own_name_in_80_columns",
    ),
    (
        "help with parentheses asks a value instead of its name",
        "kernel/shell/prompt.py",
        'if command is help and rest[-1] == ")"',
        'if command is None and rest[-1] == ")"',
        f"{HELP}::test_whatever_is_asked_is_answered_about_that_in_80_columns",
    ),
    (
        "a stub gives a parameter another name",
        "typings/memory/__init__.pyi",
        "def create_identity_mapping(count: int,",
        "def create_identity_mapping(pages: int,",
        "tests/house/test_stubs.py::test_a_stub_has_the_names_and_parameters_of_the_sources",
    ),
    (
        "the reference cuts a docstring where it is laid out by hand",
        "tools/reference.py",
        "            lines = lines[count:]",
        "            lines = [] if by_hand else lines[count:]",
        "tests/tools/test_book.py::test_the_site_has_every_chapter_command_and_docstring",
    ),
)
