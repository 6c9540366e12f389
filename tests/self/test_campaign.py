"""A campaign's sum is complete and the same, whatever happens to its workers; what can't be is said in one line."""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import campaign
import campaign_report
import fuzz
import machine
import mutants
import pytest
import together
from campaign import Job
from distributed.protocol import pickle

NEEDS = ["tests/self"]


def tool(name):
    """Import a file of tools/ whose name a package of tests/ has, too."""
    spec = importlib.util.spec_from_file_location(f"tool_{name}", machine.ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def workers():
    with campaign.Workers(2, NEEDS) as workers:
        yield workers


def counting(folder, dying=None):
    """Return jobs that count; one of them kills its worker the first time."""
    return [
        Job(f"count {n}", {"number": n, "folder": str(folder), "dies_once": n == dying}, f"make count N={n}")
        for n in range(8)
    ]


def ends(process, within_s=20):
    """Answer whether a process is gone, or a zombie, within a time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_a_worker_that_dies_costs_its_job_a_retry_and_nothing_else(workers, tmp_path):
    whole = workers.run("without", "self.campaign_jobs.count", counting(tmp_path))
    total = workers.run("with", "self.campaign_jobs.count", counting(tmp_path, dying=3))
    assert (tmp_path / "died-3").exists()
    assert total.counts == whole.counts == {"jobs": 8, "numbers": 28}
    assert total.disagreements == whole.disagreements
    assert [result.job.name for result in total.results] == [job.name for job in total.jobs]
    assert total.errors == []
    assert ends(int((tmp_path / "sleeping").read_text())), "what a job starts ends with its worker"


def test_a_cluster_that_somebody_else_runs_does_the_same(workers, tmp_path, monkeypatch):
    monkeypatch.setenv("SCHEDULER", workers.cluster.scheduler_address)
    with campaign.Workers(1, NEEDS) as others:
        assert others.cluster is None
        total = others.run("elsewhere", "self.campaign_jobs.count", counting(tmp_path))
    assert total.counts == {"jobs": 8, "numbers": 28}


def test_what_is_sent_needs_no_module_of_ours_where_it_arrives(tmp_path):
    sent = pickle.dumps((campaign.portable(), [str(tmp_path), [], campaign.digest_of(tmp_path, []), "x.y", {}]))
    there = "import pickle, sys; work, words = pickle.load(sys.stdin.buffer); work(*words)"
    done = subprocess.run([sys.executable, "-c", there], input=sent, capture_output=True, cwd=tmp_path, check=False)
    assert f"RuntimeError: the worker in {tmp_path} has no checkout" in done.stderr.decode()


def test_the_sum_as_json_and_junit_and_a_line_with_the_command_for_each_disagreement(workers, tmp_path, capsys):
    jobs = [*counting(tmp_path)[:4], Job("none", {"number": 7}, "make none")]
    good = workers.run("some", "self.campaign_jobs.count", jobs[:4])
    bad = workers.run("some", "self.campaign_jobs.fail", jobs[4:])
    total = campaign.Sum("some", jobs)
    for result in [*bad.results, *reversed(good.results)]:
        total.add(result)
    options = argparse.Namespace(json=tmp_path / "sum.json", junit=tmp_path / "sum.xml")
    assert campaign.conclude(total, options) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["  1 is odd; again: make odd N=1", "  3 is odd; again: make odd N=3"]
    assert printed[2:] == ["  none has no answer: ValueError: no such number; again: make none"]
    found = json.loads(options.json.read_text())
    assert found["counts"] == {"jobs": 4, "numbers": 6}
    assert (found["jobs"], found["done"], len(found["results"])) == (5, 5, 5)
    suite = ElementTree.parse(options.junit).getroot()
    numbers = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert numbers == ["5", "2", "1", "0"]
    assert [case.get("name") for case in suite.iter("testcase")] == [job.name for job in jobs]
    assert suite.find(".//failure").text == "make odd N=1"
    assert campaign.conclude(good, argparse.Namespace(json=None, junit=None)) == 1
    even = campaign.Sum("even", jobs[:1], good.results[:1])
    assert campaign.conclude(even, argparse.Namespace(json=None, junit=None)) == 0
    assert campaign.Sum("lost", jobs).status() == 1, "what has not answered is no success"


def test_ctrl_c_ends_it_with_the_sum_so_far(workers, tmp_path, capsys):
    begun = time.monotonic()
    before = {number: signal.signal(number, campaign.interrupt_once) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        jobs = [Job(f"{n}", {"number": 2 * n, "folder": str(tmp_path)}, "again") for n in range(400)]
        total = workers.run("long", "self.campaign_jobs.interrupt", jobs, lambda _: os.kill(os.getpid(), signal.SIGINT))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert total.interrupted
    assert len(total.results) == 1
    assert time.monotonic() - begun < 15
    options = argparse.Namespace(json=None, junit=tmp_path / "sum.xml")
    assert campaign.conclude(total, options) == campaign.INTERRUPTED
    assert "the sum of 1 of 400 jobs" in capsys.readouterr().err
    assert len(list(ElementTree.parse(options.junit).iter("skipped"))) == 399


def test_progress_says_how_long_the_rest_may_take(capsys, monkeypatch):
    jobs = [Job(str(n), {}, "", weight=n) for n in (1, 3)]
    progress = campaign_report.Progress(jobs)
    monkeypatch.setattr(campaign_report, "PROGRESS_INTERVAL_S", 0)
    progress.begun = time.monotonic() - 60
    progress.show(campaign.Sum("x", jobs, [campaign.Result(jobs[0])]), jobs[0].weight)
    assert capsys.readouterr().err == "  1 of 2 jobs, 0 disagree, 1:00 so far, about 3:00 left\n"


def test_a_worker_with_other_files_refuses(tmp_path, monkeypatch):
    words = {"number": 1, "folder": str(tmp_path)}
    root, digest = str(machine.ROOT), campaign.digest_of(machine.ROOT, NEEDS)
    assert campaign.perform(root, NEEDS, digest, "self.campaign_jobs.count", words)[1]["counts"]["numbers"] == 1
    with pytest.raises(RuntimeError, match="another tests/self"):
        campaign.perform(root, NEEDS, "0" * 64, "self.campaign_jobs.count", words)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="has no checkout"):
        campaign.perform("/nowhere", NEEDS, digest, "self.campaign_jobs.count", words)


def test_a_command_ends_with_all_that_it_started(tmp_path):
    ended = f"sleep 60 & echo $! > {tmp_path}/left; echo said; exit 3"
    assert together.run(["sh", "-c", ended], timeout=20) == (3, "said\n")
    assert together.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/late; wait"], timeout=3) == (None, "")
    assert all(ends(int(path.read_text())) for path in tmp_path.iterdir())


MATRIX = tool("matrix")
WRONG = [
    (fuzz, ["--seed", "x"], "argument --seed: 'x' is no number"),
    (fuzz, ["--operations", "0"], "argument --operations: 0: at least 1"),
    (fuzz, ["--wat"], "unrecognized arguments: --wat"),
    (fuzz, ["--junit", "/nowhere/x.xml"], "/nowhere/x.xml: no file can be written there"),
    (mutants, ["--random", "some"], "'some' is no number"),
    (mutants, ["--only", "no such text"], "no mutant has 'no such text'"),
    (mutants, ["--id", "12345678"], "no random mutant is called 12345678"),
    (mutants, ["--random", "3", "--only", "paging"], "leave one out"),
    (MATRIX, ["--seed", "7x"], "'7x' is no number"),
    (MATRIX, ["--case", "1:4096000"], "block 1 has"),
    (MATRIX, ["--case", "99999:0"], "a block below"),
    (MATRIX, ["--job", "999"], "there are 4"),
    (MATRIX, ["--console", "tcp:127.0.0.1:1"], "Connection refused"),
    (MATRIX, ["--console", "tcp:there"], "is no tcp:HOST:PORT"),
    (MATRIX, ["--console", "COM1"], "is neither tcp:HOST:PORT nor the path"),
    (MATRIX, ["--console", "/nowhere"], "No such file or directory"),
    (MATRIX, ["--console", "tcp:127.0.0.1:1", "--machine", "bochs"], "neither --machine nor --cpu"),
    (MATRIX, ["--known", "/nowhere"], "No such file or directory"),
    (MATRIX, ["--known", "pyproject.toml"], "only [processor] and [[difference]]"),
]


@pytest.mark.parametrize(("which", "words", "said"), WRONG, ids=[" ".join(words) for _, words, _ in WRONG])
def test_what_is_wrong_with_a_command_line_is_said_in_one_line(which, words, said, monkeypatch):
    monkeypatch.chdir(machine.ROOT)
    monkeypatch.setattr("sys.argv", ["tool", *words])
    with pytest.raises(SystemExit) as ended:
        which.main()
    assert str(ended.value).startswith("clew: "), "text is status 1"
    assert said in str(ended.value)
    assert "\n" not in str(ended.value)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1:nine"])
def test_a_scheduler_that_is_not_there_is_said_in_one_line(address):
    """In a process of its own: what is left of a Client that could not be made may hang the next one's start."""
    program = "import campaign; campaign.CONNECT_TIMEOUT_S = 1; campaign.Workers(1)"
    ended = subprocess.run(
        [sys.executable, "-B", "-c", program],
        env=os.environ | {"SCHEDULER": address, "PYTHONPATH": str(machine.ROOT / "tools")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"clew: SCHEDULER={address}: no scheduler answers there (")
    assert ended.stderr.count("\n") == 1
