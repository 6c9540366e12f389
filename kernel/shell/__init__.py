"""The prompt's commands: a table of words, each also a Python callable. Start at `commands.py`."""
