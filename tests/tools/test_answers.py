"""The answer sheets for teachers are what the exercises at the prompt take."""

import csv
import os
import subprocess
import sys

import machine


def answers(seeds, sheet):
    command = [sys.executable, "tools/answers.py", "--csv", str(sheet)]
    options = {"cwd": machine.ROOT, "capture_output": True, "text": True, "timeout": 100}
    return subprocess.run(command, env={**os.environ, "SEEDS": seeds}, check=False, **options)


def test_sheets_as_text_and_csv_are_what_the_prompt_takes(console, tmp_path):
    done = answers("3,7-8,7", tmp_path / "sheet.csv")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader((tmp_path / "sheet.csv").read_text().splitlines()))
    assert [(row["exercise"], row["seed"]) for row in rows] == [(str(n), seed) for n in range(1, 8) for seed in "378"]
    for row in rows:
        assert f"{row['seed']:>8}  {row['answer']}\n" in done.stdout
    for row in rows[::3]:
        console.command(f"exercise {row['exercise']} seed={row['seed']}")
        assert console.command(f"check {row['answer']}") == "right.\n"


def test_a_place_that_cannot_be_written_is_one_line():
    done = answers("1", "/nosuch/sheet.csv")
    assert (done.returncode, done.stderr) == (1, "clew: --csv /nosuch/sheet.csv: nothing can be written there\n")
