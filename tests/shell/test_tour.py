"""Every step of the tour works, in order, and ends as it says; every exercise takes its own answer and no other."""

import re

import pytest
from harness import depth
from oracle import page_walk
from oracle.replacement import faults_of

STEPS = {
    1: ["511, 510, 0, 265)", "= p0x109000 in a 4K page; r-x kernel"],
    2: ["(42, 0)", "exclusive  rw- kernel  page pool"],
    3: ["PageFault: write to v0x", "read-only at P1", "True, 1)", "P1["],
    4: ["0x01"],
    5: ["TypeError", "NonCanonicalAddress", "WritableExecutable", "UseAfterMove", "StillBorrowed", "UseAfterUnmap"],
    6: [],
    7: ["8 frames for 1024 pages"],
    8: ["in a 2M page; rw- kernel", "in a 4K page; rw- kernel"],
    9: [
        "16 of 64 pages accessed, 4 written\nr....r....r....r....r....r....WWWW.r....",
        "fifo     9 #",
        "faults of favourites: 400 references to 16 pages",
        "frames    2 ",
    ],
    10: ["NoSuchDevice('there is no virtio disk number 0: make run DISK=FILE starts a machine that has one"],
    11: ["the TLB and the tables agree", "runs Python"],
    12: ["protection key 5: IA32_PKRS forbids writes at P1", "`with key(5).writable():` opens it", "42", "5  readable"],
    13: ["nothing to complain of", "physical memory, one cell is"],
}
UNEXPECTED = re.compile(r"Traceback|NameError|AttributeError|SyntaxError|ImportError|VIOLATION")


def step(console, word="tour"):
    """Play the next step, or another one; return what it printed, up to the prompt after it."""
    console.sendline(word)
    console.expect_exact("What this step made is yours to play with.", timeout=30)
    text = console.before.decode().replace("\r\n", "\n")
    console.wait_for_prompt()
    return text


@pytest.fixture
def played(guest):
    """The text of every step, played in order on one machine."""
    return {number: step(guest.console) for number in STEPS}


def test_every_step_shows_what_it_promises(played):
    for number, expected in STEPS.items():
        assert UNEXPECTED.search(played[number]) is None, played[number]
        for text in expected:
            assert text in played[number], f"step {number}"


def test_an_address_is_an_index_for_each_table(played):
    indexes = [0xFFFFFFFF80109 >> 9 * (level - 1) & 511 for level in range(depth.LEVELS, 0, -1)]
    assert f"\n{tuple(indexes)}\n" in played[1]


def test_another_processor_goes_on_until_it_is_told(boot):
    guest = boot(processors=2)
    guest.console.wait_for_prompt(30)
    text = step(guest.console, "tour 11")
    assert UNEXPECTED.search(text) is None, text
    places = [text.index(words) for words in ("it still writes there", "CPU 1: its TLB and", "PageFault: write")]
    assert places == sorted(places)
    assert "MappingDamaged" not in text


def test_a_cpu_without_keys_says_so_in_a_line(boot):
    guest = boot(cpu="qemu64")
    guest.console.wait_for_prompt(30)
    typed = step(guest.console, "tour 12").partition("clew> ")[2].splitlines()
    assert typed[0] == "key(5)"
    assert typed[1].startswith("NoProtectionKeys: this CPU has no protection keys for supervisor pages")
    assert typed[2:] == ["", "tour goes on. "]


def test_the_five_techniques_agree(played):
    found = re.findall(r"^p0x[0-9a-f]+$", played[6], re.MULTILINE)
    assert len(found) == 5
    assert len(set(found)) == 1


def test_after_the_last_step_the_tour_begins_again(guest, played):
    assert "1 of 13" in step(guest.console)


def test_a_step_out_of_order_has_what_the_steps_before_it_make(guest, boot, played):
    """Numbers and places aside, a step says the same after those before it, after all, and alone on a new machine."""
    other = boot().console
    other.wait_for_prompt()
    for number in (9, 5):
        assert normal(step(guest.console, f"tour {number}")) == normal(played[number])
        assert normal(step(other, f"tour {number}")) == normal(played[number])
    assert "nothing to complain of" in other.command("verify")


def normal(text):
    """Return what a step printed without its first words, and without places in memory."""
    text = text.partition("\nclew> ")[2]
    return re.sub(r"0x[0-9a-f]+|\d{3,}", "N", text)


def test_undo_gives_every_frame_back(guest):
    before = guest.console.command("__import__('memory').frame_allocator.statistics().free")
    for _ in STEPS:
        step(guest.console)
    guest.console.send("\x04")
    guest.console.wait_for_prompt()
    assert guest.console.command("__import__('memory').frame_allocator.statistics().free") == before


EXERCISES = range(1, 8)


@pytest.mark.parametrize("number", EXERCISES)
def test_an_exercise_takes_its_answer_and_no_other(kernel, number):
    kernel.exec("from shell.commands import exercise, check")
    for seed in (1, 7):
        kernel.exec(f"made = exercise({number}, seed={seed})")
        answer = kernel.eval("made.answer")
        assert kernel.eval(f"check(*{answer}).is_right") is True
        for place in range(len(answer)):
            wrong = [value + (at == place) for at, value in enumerate(answer)]
            assert kernel.eval(f"check(*{wrong}).is_right") is False
        assert kernel.eval(f"check(*{answer[:-1]}).is_right") is False


def test_what_the_tour_says_of_policies_is_in_its_chart(kernel):
    """A clock does not always better than first in, first out: the chart has a tie, and the text says so."""
    kernel.exec("from shell.commands import policies")
    rows = kernel.eval("policies('favourites', 'fifo', 'clock', frames=[2, 4, 6]).rows", timeout=60)
    pairs = list(zip(*(faults for _, faults in rows), strict=True))
    assert [two for two in pairs if two[0] == two[1]]
    assert [two for two in pairs if two[1] < two[0]]
    text = " ".join(kernel.eval("__import__('shell.tour', None, None, ['Step']).Step(9).text"))
    assert "not always: the chart has a tie" in text


def test_the_exercise_on_rights_says_who_writes(kernel):
    kernel.exec("from shell.commands import exercise")
    assert "the kernel write it (ring 0, with CR0.WP set" in kernel.text("exercise(4, seed=1)")


@pytest.mark.parametrize("number", EXERCISES)
def test_a_seed_gives_everybody_the_same_question(kernel, number):
    kernel.exec("from shell.commands import exercise")
    first, again, other = (kernel.text(f"exercise({number}, seed={seed})") for seed in (5, 5, 6))
    assert first == again
    assert first.replace("seed 5", "") != other.replace("seed 6", "")


def test_translation_by_hand_is_what_the_bits_say(kernel):
    kernel.exec("from shell.commands import exercise")
    for seed in range(5):
        kernel.exec(f"made = exercise(1, seed={seed})")
        address = int(re.search(r"v0x([0-9a-f]+)", kernel.text("made"))[1], 16)
        indexes = [address >> 9 * level + 3 & 511 for level in range(depth.LEVELS, 0, -1)]
        expected = [*indexes, address & 4095]
        assert kernel.eval("made.answer") == expected


def test_the_live_walk_is_the_oracles(kernel):
    kernel.exec("from shell.commands import exercise\nmade = exercise(3, seed=4)")
    address = int(re.search(r"v0x([0-9a-f]+)", kernel.text("made"))[1], 16)
    guest = kernel.guest
    leaf = page_walk.translate(guest.monitor.registers()["CR3"], guest.memory, address)
    assert kernel.eval("made.answer") == [leaf.pa + address - leaf.va]


def answer_of(number, text):
    """The host's own answer to the question of an exercise, out of its words."""
    text = " ".join(text.split())
    if number == 2:
        indexes = [int(index) for index in re.findall(r"P\d index (\d+)", text)]
        offset = int(re.search(r"offset (0x[0-9a-f]+)", text)[1], 16)
        return [int("".join(f"{index:09b}" for index in indexes) + f"{offset:012b}", 2)]
    if number == 4:
        rows = [tuple(map(int, row)) for row in re.findall(r"W=(\d) U=(\d) NX=(\d)", text)]
        assert len(rows) == depth.LEVELS
        return [min(u for _, u, _ in rows), min(w for w, _, _ in rows), 1 - max(nx for *_, nx in rows)]
    if number == 5:
        length, start = int(re.search(r"of (\d+) bytes", text)[1]), int(re.search(r"at (0x[0-9a-f]+)", text)[1], 16)
        pages = [byte // 4096 for byte in range(start, start + length)]
        return [len(set(pages)), pages.count(pages[-1])]
    if number == 6:
        count, first = (int(re.search(words, text)[1]) for words in (r"(\d+) pages of 4 KiB", r"page number (\d+)"))
        return [len({page >> bits for page in range(first, first + count)}) for bits in (9, 18)]
    references = [(int(page), False) for page in re.search(r"in this order: ([\d ]+)", text)[1].split()]
    frames = int(re.search(r"With (\d+) frames", text)[1])
    return [len(faults_of(policy, references, frames, len(references))) for policy in ("fifo", "clock")]


@pytest.mark.parametrize("number", [2, 4, 5, 6, 7])
def test_the_answers_are_those_of_the_host(kernel, number):
    """Exercises judge themselves, so somebody else has to work the answers out, too."""
    kernel.exec("from shell.commands import exercise")
    answers = []
    for seed in range(12):
        kernel.exec(f"made = exercise({number}, seed={seed})")
        answers.append(kernel.eval("made.answer"))
        assert answers[-1] == answer_of(number, kernel.text("made")), f"seed {seed}"
    assert len({tuple(answer) for answer in answers}) > 1


@pytest.mark.parametrize("start", [0, 1, 4095, 4096, 0x12345000, 0x12345FFF])
def test_the_edges_of_pages_are_counted_as_the_host_does(kernel, start):
    """Of random buffers hardly one ends where a page does: these do, or a byte before or behind."""
    kernel.exec("from shell import exercises")
    for length in (1, 2, 4095, 4096, 4097, 8192, 4096 - start % 4096, 8192 - start % 4096):
        kernel.exec(f"""
            numbers = iter(({start}, {length} - 1))
            exercises.below, kept = lambda limit: next(numbers), exercises.below
            question, kinds, answer, why, steps = exercises.pages_of_range(None)
            exercises.below = kept
            """)
        text = " ".join(kernel.eval("question"))
        assert f"{length} bytes begins at {start:#x}" in text
        assert kernel.eval("answer") == answer_of(5, text), (start, length)


def test_exercises_are_given_and_checked_at_the_prompt(guest):
    console = guest.console
    for word in "check 1", "solution":
        assert console.command(word).startswith("UsageError: there is no exercise yet")
    assert len(console.command("exercise").strip().split("\n")) == len(EXERCISES)
    assert "Answer with: check" + " N" * (depth.LEVELS + 1) + "\n" in console.command("exercise 1 seed=7")
    assert console.command("check 1 2 3 4 5" + " 6" * (depth.LEVELS - 4)).startswith("not right: number")
    assert console.command("check 1 2") == f"the answer has {depth.LEVELS + 1} parts, not 2\n"
    assert console.command("check maybe").startswith("UsageError: maybe is no answer")
    assert "a part of an answer is a number, an address, yes or no" in console.command("check 1.5")
    console.command("exercise 3 seed=7")
    assert console.command("exercise 3 seed=7").startswith("exercise 3, seed 7")  # its pages were given back first


def test_examples_are_listed_and_can_be_imported(kernel):
    kernel.exec("from shell.commands import examples")
    names = re.findall(r"(?:^|\\n|')(\w+)  ", kernel.text("str(examples())"))
    assert len(names) >= 6
    for name in names:
        kernel.exec(f"import examples.{name}")


def test_bench_lists_rows_and_counts_those_asked_for(guest):
    rows = guest.console.command("bench").strip().split("\n")
    assert len(rows) > 5
    assert re.search(r"call a function +\d+", guest.console.command("bench call function", timeout=30))
    assert guest.console.command("bench nonsense").startswith("UsageError: no row has these words")
