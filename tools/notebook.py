#!/usr/bin/env python3
"""Run docs/notebook.ipynb against a fresh machine on a pty: `make notebook`, and a test.

The result, with its outputs, goes to build/notebook.ipynb. To work in a notebook yourself: `make pty` in one terminal,
and docs/notebook.ipynb in Jupyter or an editor that knows notebooks.
"""

import contextlib
import os
import subprocess
from pathlib import Path

import nbclient
import nbformat
from machine import BUILD, ROOT, Machine
from say import say

SOURCE = ROOT / "docs" / "notebook.ipynb"
CELL_TIMEOUT_S = 60
REDIRECTED = "redirected to "


@contextlib.contextmanager
def machine_on_a_pty():
    """Run a machine while the block runs; yield the path of its console."""
    command = ["setpriv", "--pdeathsig", "KILL", *Machine(console="pty").qemu_command()]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        line = next(line for line in process.stdout if REDIRECTED in line)
        yield line.split(REDIRECTED, 1)[1].split()[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run(path=SOURCE):
    """Execute a notebook; return it with its outputs. CellExecutionError of nbclient when a cell raises."""
    notebook = nbformat.read(path, as_version=4)
    with machine_on_a_pty() as console:
        os.environ["CLEW_CONSOLE"] = console
        resources = {"metadata": {"path": str(Path(path).parent)}}
        nbclient.NotebookClient(notebook, timeout=CELL_TIMEOUT_S, resources=resources).execute()
    return notebook


def main():
    """Run the example notebook."""
    nbformat.write(run(), BUILD / "notebook.ipynb")
    say("ran docs/notebook.ipynb; with its outputs it is build/notebook.ipynb")


if __name__ == "__main__":
    main()
