"""The text of litmus tests, read: what `litmus/__init__.py` shows becomes Test objects, or an error with its line.

Nothing here needs the machine: the host reads the same texts with the same file.
"""

PAGES, FRAMES = ("x", "y"), ("a", "b", "c", "d")
FLAGS = (("present", "P"), ("writable", "W"), ("accessed", "A"), ("dirty", "D"), ("global", "G"))
LETTERS = "PWADG"
NOTHING = ("", "")
"""The entry of a page that is not mapped: 0. Others are (frame, letters of its flags in the order of LETTERS)."""

READ, WRITE, ENTRY, CLEAR, INVLPG, SHOOTDOWN, FENCE = "read", "write", "entry", "clear", "invlpg", "shootdown", "fence"
OK, FAULT = 0, 255
"""What a write, and an access that faults, leave as their result."""

ACTS_MAX, CPUS_MIN, CPUS_MAX, VALUE_MAX, NAME_MAX = 6, 2, 3, 250, 40


class LitmusError(ValueError):
    """A text that is no litmus test: `.line` is the number of the line, from 1 on."""

    def __init__(self, line, text):
        super().__init__("line %d: %s" % (line, text))
        self.line = line


class Act:
    """One act of a processor. kind: one of the words above. page: "x", "y", or "" for a fence.

    what: the value of a write, the entry of an entry, the letters of a clear. result: the name of what it leaves, or
    "".
    """

    def __init__(self, kind, page="", what=None, result=""):
        self.kind = kind
        self.page = page
        self.what = what
        self.result = result


class Test:
    """A litmus test: `.name`, `.about` (its comment), `.entries` {page: entry}, `.memory` {frame: value}, `.cpus` (a
    list of Acts each), `.may` and `.never` (conditions), and `.lines`, the text that it was read from."""

    def __init__(self, name):
        self.name = name
        self.about, self.lines = [], []
        self.entries, self.memory, self.cpus = {}, {}, []
        self.may, self.never = [], []

    def results(self):
        """Return the names of what the acts leave, processor by processor."""
        return [act.result for acts in self.cpus for act in acts if act.result]

    def places(self):
        """Return what an outcome has a value for, in order: results, pages, frames.

        A value is an integer for results (OK and FAULT among them) and for frames, an entry for pages.
        """
        return self.results() + sorted(self.entries) + sorted(self.memory)

    def text(self):
        """Return its text."""
        return "\n".join(self.lines)


class Condition:
    """What `may` and `never` say of outcomes: terms (place, value or letter, whether it is so), all of which hold."""

    def __init__(self, terms, text):
        self.terms = terms
        self.text = text

    def holds(self, places, outcome):
        """Is this so in an outcome, a tuple of values in the order of `places`?"""
        for place, wanted, is_so in self.terms:
            value = outcome[places.index(place)]
            if (wanted in value[1] if place in PAGES else value == wanted) != is_so:
                return False
        return True


def said(place, value, kinds):
    """Return a place's value in an outcome as text; kinds: {result: kind of its act}."""
    if place in PAGES:
        return "nothing" if value == NOTHING else ("%s %s" % value).strip()
    if value == FAULT:
        return "fault"
    return "ok" if kinds.get(place) == WRITE else str(value)


def kinds_of(test):
    """Return {result: kind of its act} of a test."""
    return {act.result: act.kind for acts in test.cpus for act in acts if act.result}


def ordered(letters):
    """Return letters of flags in their order, each once."""
    return "".join([letter for letter in LETTERS if letter in letters])


# --- Reading. ---


def read_tests(text):
    """Return the Tests of a text, at least one. Raises LitmusError; then none is read."""
    tests, test = [], None
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        line = line.strip()
        word, _, rest = line.partition(" ")
        if word == "test":
            name = name_of(rest.strip(), number)
            if name in [each.name for each in tests]:
                raise LitmusError(number, "there are two tests %s" % name)
            if test is not None:
                check_whole(test, number - 1)
            test = Test(name)
            tests.append(test)
        elif line and test is None:
            if word[0] == "#":
                continue
            raise LitmusError(number, "a test begins with `test NAME`")
        elif line:
            read_line(test, line, number)
        if test is not None and line:
            test.lines.append(line)
    if test is None:
        raise LitmusError(len(lines), "there is no test: one begins with `test NAME`")
    check_whole(test, len(lines))
    return tests


def read_test(text):
    """Return the one Test of a text. Raises LitmusError."""
    tests = read_tests(text)
    if len(tests) > 1:
        raise LitmusError(len(text.split("\n")), "one test was expected, not %d" % len(tests))
    return tests[0]


def name_of(word, number):
    """Return a test's name, checked."""
    if not word:
        raise LitmusError(number, "the test has no name: test NAME")
    if len(word) > NAME_MAX or any([letter not in "abcdefghijklmnopqrstuvwxyz0123456789-+" for letter in word]):
        raise LitmusError(number, "%s is no name: at most %d of a-z, 0-9, - and +" % (word, NAME_MAX))
    return word


def read_line(test, line, number):
    """Take in a line of a test below its first."""
    if line[0] == "#":
        test.about.append(line[1:].strip())
        return
    head, colon, rest = line.partition(":")
    words = head.split()
    if not colon or not words:
        raise LitmusError(number, "%s: start:, cpu 0:, may:, never: or # was expected" % line)
    parts = [part.strip() for part in rest.split(";")]
    if words == ["start"]:
        read_start(test, parts, number)
    elif words[0] == "cpu":
        read_cpu(test, words[1:], parts, number)
    elif words in (["may"], ["never"]):
        if not test.cpus:
            raise LitmusError(number, "%s stands below the cpus" % head)
        conditions = test.may if words == ["may"] else test.never
        conditions += [condition_of(test, part, number) for part in parts]
    else:
        raise LitmusError(number, "%s: is none of start, cpu 0, may, never" % head)


def read_start(test, parts, number):
    """Take in what there is to begin with."""
    if test.cpus:
        raise LitmusError(number, "start stands above the cpus")
    for part in parts:
        words = part.split()
        if len(words) > 1 and words[1] == "->":
            page = page_of(words[0], number)
            if page in test.entries:
                raise LitmusError(number, "%s has two entries to start with" % page)
            test.entries[page] = entry_of(words[2:], number)
        elif len(words) == 3 and words[1] == "=":
            frame = frame_of(words[0], number)
            if frame in test.memory:
                raise LitmusError(number, "%s has two values to start with" % frame)
            test.memory[frame] = value_of(words[2], number)
        else:
            raise LitmusError(number, "%r is no start: x -> a writable, x -> nothing, a = 1" % part)


def read_cpu(test, words, parts, number):
    """Take in what a processor does."""
    expected = len(test.cpus)
    if words != [str(expected)]:
        raise LitmusError(number, "cpu %d: was expected, cpus are numbered from 0 on" % expected)
    if expected == CPUS_MAX:
        raise LitmusError(number, "a test has at most %d cpus" % CPUS_MAX)
    if len(parts) > ACTS_MAX:
        raise LitmusError(number, "a cpu does at most %d acts, not %d" % (ACTS_MAX, len(parts)))
    acts, taken = [], test.results()
    for part in parts:
        act = act_of(part, number)
        if act.result in taken:
            raise LitmusError(number, "two acts leave %s" % act.result)
        if act.result:
            taken.append(act.result)
        acts.append(act)
    test.cpus.append(acts)


def act_of(part, number):
    """Return an Act."""
    words = part.split()
    result = ""
    if len(words) > 1 and words[1] == "=":
        result = result_of(words[0], number)
        words = words[2:]
    if not words:
        raise LitmusError(number, "an act is missing")
    if len(words) > 1 and words[1] == "->":
        act = Act(ENTRY, page_of(words[0], number), entry_of(words[2:], number))
    elif words[0] == READ and len(words) == 2:
        act = Act(READ, page_of(words[1], number), None, result)
        if not result:
            raise LitmusError(number, "what is read needs a name: r1 = %s" % part)
    elif words[0] == WRITE and len(words) == 3:
        act = Act(WRITE, page_of(words[1], number), value_of(words[2], number), result)
    elif words[0] == CLEAR and len(words) > 2:
        act = Act(CLEAR, page_of(words[1], number), letters_of(words[2:], number))
    elif words[0] in (INVLPG, SHOOTDOWN) and len(words) == 2:
        act = Act(words[0], page_of(words[1], number))
    elif words == [FENCE]:
        act = Act(FENCE)
    else:
        acts = "r1 = read x, write x 5, x -> a writable, clear x dirty, invlpg x, shootdown x, fence"
        raise LitmusError(number, "%s is no act: %s" % (part, acts))
    if result and not act.result:
        raise LitmusError(number, "%s leaves nothing: only read and write do" % part)
    return act


def result_of(word, number):
    """Return the name of a result, checked."""
    if word[0] not in "rw" or not word[1:].isdigit() or len(word) > 3:
        raise LitmusError(number, "%s is no name of a result: r1, w2" % word)
    return word


def page_of(word, number):
    """Return a page's name, checked."""
    if word not in PAGES:
        raise LitmusError(number, "%s is no page: %s" % (word, ", ".join(PAGES)))
    return word


def frame_of(word, number):
    """Return a frame's name, checked."""
    if word not in FRAMES:
        raise LitmusError(number, "%s is no frame: %s" % (word, ", ".join(FRAMES)))
    return word


def value_of(word, number):
    """Return the value that a word is."""
    if not word.isdigit() or int(word) > VALUE_MAX:
        raise LitmusError(number, "%s is no value: 0 to %d" % (word, VALUE_MAX))
    return int(word)


def letters_of(words, number):
    """Return the letters of flags that are named."""
    known = dict(FLAGS)
    for word in words:
        if word not in known:
            raise LitmusError(number, "%s is no flag: %s" % (word, ", ".join([name for name, _ in FLAGS])))
    return ordered([known[word] for word in words])


def entry_of(words, number):
    """Return the entry that words are: a frame and flags, or nothing."""
    if words == ["nothing"]:
        return NOTHING
    if not words or words[0] == "nothing":
        raise LitmusError(number, "an entry is a frame with flags, or `nothing` alone: x -> a writable")
    return frame_of(words[0], number), ordered("P" + letters_of(words[1:], number))


def condition_of(test, text, number):
    """Return a Condition: terms with `and` between them."""
    terms, kinds = [], kinds_of(test)
    for term in text.split(" and "):
        words = term.split()
        if len(words) == 3 and words[1] == "=":
            place = words[0]
            if place in kinds:
                terms.append((place, result_value(kinds[place], words[2], number), True))
            elif place in test.memory:
                terms.append((place, value_of(words[2], number), True))
            else:
                raise LitmusError(number, "%s is neither a result nor a frame of this test" % place)
        elif words and words[0] in test.entries and (len(words) == 2 or (len(words) == 3 and words[1] == "not")):
            terms.append((words[0], letters_of(words[-1:], number), len(words) == 2))
        else:
            raise LitmusError(number, "%r can't be so: r1 = 1, w1 = fault, a = 2, x dirty, x not dirty" % term.strip())
    return Condition(terms, text)


def result_value(kind, word, number):
    """Return what a result is called `word`: fault, ok for a write, a value for a read."""
    if word == "fault":
        return FAULT
    if kind == WRITE:
        if word != "ok":
            raise LitmusError(number, "a write is ok or fault, not %s" % word)
        return OK
    return value_of(word, number)


def check_whole(test, number):
    """Refuse a test with something missing."""
    if len(test.cpus) < CPUS_MIN:
        raise LitmusError(number, "%s has %d cpus: two at least" % (test.name, len(test.cpus)))
    acts = [act for each in test.cpus for act in each]
    for act in acts:
        if act.page and act.page not in test.entries:
            raise LitmusError(number, "%s has no entry for %s to start with" % (test.name, act.page))
    entries = list(test.entries.values()) + [act.what for act in acts if act.kind == ENTRY]
    for frame, _ in entries:
        if frame and frame not in test.memory:
            raise LitmusError(number, "%s has no value for frame %s to start with" % (test.name, frame))
    if len([each for each in test.cpus if SHOOTDOWN in [act.kind for act in each]]) > 1:
        raise LitmusError(number, "%s: only one cpu can shoot down, the one that runs Python" % test.name)
