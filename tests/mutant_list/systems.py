"""Small faults in what makes the project run on other systems, and in how it is built."""

INFO = "port/boot/info.c"
PEOPLE = "tests/tools/test_people.py"
SCRIPTS = f"{PEOPLE}::test_a_script_with_a_line_that_fails_fails_even_if_it_exits_by_itself"

MUTANTS = [
    (
        "the cursor goes back three digits' worth of columns at most",
        "port/console/cursor.c",
        '"\\x1b[%uD", columns)',
        '"\\x1b[%uD", columns % 1000)',
        "tests/shell/test_editing.py::test_the_cursor_goes_back_as_far_as_it_should",
    ),
    (
        "a name is read from a module that the firmware did not fill in",
        INFO,
        "module->reserved == 0 && ",
        "",
        "tests/boot/test_odd_handover.py::test_a_module_that_is_not_filled_in_has_no_name",
    ),
    (
        "the loader's data are read from wherever they are said to be",
        INFO,
        "address + length < address || address + length > ENTRY_TABLES_END",
        "address + length < address",
        "tests/boot/test_odd_handover.py::test_a_loaders_data_above_four_gib_are_refused_in_one_line",
    ),
    (
        "a command that fails in a script is no failure",
        "kernel/shell/prompt.py",
        "        console.line_failed(type(error).__name__)\n",
        "",
        SCRIPTS,
    ),
    (
        "a line of Python that raises in a script is no failure",
        "port/console/console.c",
        "    log_line_failed(qstr_str(mp_obj_get_type(exception)->name));\n",
        "",
        SCRIPTS,
    ),
    (
        "a block at a script's end swallows the exit",
        "tools/run.py",
        "*([KILL_LINE] if in_block else [])",
        "*[]",
        f"{PEOPLE}::test_a_script_is_typed_as_a_person_would_and_succeeds",
    ),
    (
        "a block of one line at a script's prompt takes what follows along",
        "tools/run.py",
        "|@|(?:if|while|for|",
        "|@|(?:if|while|",
        f"{PEOPLE}::test_a_script_is_typed_as_a_person_would_and_succeeds",
    ),
    (
        "py-bt takes another place of the bytecode for the one that is run",
        "tools/py_bt.py",
        "- top - cells)",
        "- cells - reader.address + 30)",
        f"{PEOPLE}::test_gdb_shows_lines_of_python_and_micropythons_sources_and_locals",
    ),
    (
        "objects don't depend on the flags that they are compiled with",
        "port/port.mk",
        "$(OBJ) $(IMAGE): $(MANNER)",
        "$(IMAGE): $(MANNER)",
        "tests/tools/test_port_build.py::test_what_comes_goes_and_changes_shows_in_the_image",
    ),
    (
        "an environment made elsewhere serves",
        "Makefile",
        "ifneq ($(strip $(file <.venv/ready)),$(strip $(VENV_HERE)))",
        "ifneq (,)",
        "tests/tools/test_build.py::test_an_environment_serves_where_it_was_made_and_no_other_checkout",
    ),
    (
        "make run installs GRUB",
        "Makefile",
        "BOOT_NEEDS = $(if $(filter iso uefi,$(BOOT)),",
        "BOOT_NEEDS = $(if yes,",
        "tests/tools/test_build.py::test_make_installs_what_its_target_needs_and_no_more",
    ),
    (
        "a file of MicroPython's that was changed is not noticed",
        "tools/micropython_source.py",
        "if found != wanted:",
        "if found[1] != wanted[1]:",
        "tests/tools/test_micropython_source.py::test_what_is_something_else_is_refused_and_leaves_nothing",
    ),
]
