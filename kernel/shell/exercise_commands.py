"""Commands about exercises: a question, the check of an answer, the way to it."""

from diagnostics.text import Lines

from shell.answers import AnswerKind
from shell.command import Argument, command
from shell.errors import UsageError
from shell.exercises import MAKERS, Exercise
from shell.kinds import NumberKind

EXERCISE = NumberKind("NUMBER", 1, len(MAKERS))
SEED = NumberKind("SEED", 0, 1 << 20)


class Desk:
    """The exercise that the reader is at."""

    exercise = None


DESK = Desk()


@command(
    "exercise",
    "A question with numbers of its own; the machine checks your answer.",
    Argument("number", EXERCISE, None),
    Argument("seed", SEED, 1, by_name=True),
    details=("exercise            the list", "exercise 3 seed=7   the same numbers for everybody with that seed"),
)
def exercise(number, seed):
    if number is None:
        return Lines(["%d  %s" % (place + 1, title) for place, (title, _) in enumerate(MAKERS)])
    if DESK.exercise is not None:
        DESK.exercise.end()
        DESK.exercise = None
    DESK.exercise = Exercise(number, seed)
    return DESK.exercise


@command(
    "check",
    "Check your answer to the last exercise.",
    Argument("answer", AnswerKind("ANSWER"), (), repeated=True),
    details=("check 5 17", "check p0x1234000    as the kernel writes it", "check yes no yes"),
)
def check(answer):
    return current().check(answer)


@command("solution", "How the answer to the last exercise comes about, step by step.")
def solution():
    return current().solution()


def current():
    """Return the exercise that the reader is at. Raises UsageError."""
    if DESK.exercise is None:
        raise UsageError("there is no exercise yet: exercise lists them")
    return DESK.exercise
