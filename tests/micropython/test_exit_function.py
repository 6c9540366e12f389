"""sys.atexit(function): it is called before a soft reset, which comes whatever becomes of it."""

CTRL_C, CTRL_D = "\x03", "\x04"


def define(console, *lines):
    """Have a function called at the next soft reset."""
    console.command("import sys")
    console.command(f"""exec({chr(10).join(("def function():", *lines))!r}); previous = sys.atexit(function)""")


def test_it_is_called_once_and_what_it_raises_is_shown(console):
    define(console, " print('last', 'words')", " 1 // 0")
    console.send(CTRL_D)
    console.expect_exact("last words")
    console.expect_exact("ZeroDivisionError")
    console.wait_for_prompt(30)
    assert "NameError" in console.command("previous")
    console.send(CTRL_D)
    console.wait_for_prompt(30)
    assert console.transcript().count("last words") == 1


def test_ctrl_c_ends_one_that_does_not_end(console):
    define(console, " print('with', 'no end')", " while True: pass")
    console.send(CTRL_D)
    console.expect_exact("with no end")
    console.send(CTRL_C)
    console.expect_exact("KeyboardInterrupt")
    console.wait_for_prompt(30)
