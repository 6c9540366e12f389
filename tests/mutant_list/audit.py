"""What `verify()` must not overlook."""

AUDIT = "kernel/memory/audit/"
TESTS = "tests/memory/audit"

MUTANTS = [
    (
        "the audit overlooks pages without an owner",
        AUDIT + "records.py",
        "                walk.walk_root(root, first, end, visit)\n                visit.close()\n",
        "                visit.close()\n",
        TESTS,
    ),
    (
        "the audit doesn't compare the upper halves",
        AUDIT + "roots.py",
        "            self._compare_upper_half(root)\n",
        "            pass\n",
        TESTS,
    ),
    (
        "the audit doesn't mind other flags than the owner's",
        AUDIT + "leaves.py",
        "        if word != self.word:\n",
        "        if False:\n",
        TESTS,
    ),
    (
        "the audit sees a writer of what is executed, but not the other way round",
        AUDIT + "claims.py",
        " or (marks & EXECUTED and others & WRITTEN):",
        ":",
        TESTS,
    ),
    (
        "the audit takes the allocator's word for what is allocated",
        AUDIT + "sums.py",
        "found[OWNED] + found[SHAREABLE] + found[LENT_TABLE]",
        "self.pool.allocated",
        TESTS,
    ),
    (
        "the audit follows what it found to be no table",
        AUDIT + "walk.py",
        "                    self.cut.add(entry)\n",
        "",
        TESTS,
    ),
    (
        "Ctrl-C doesn't end an audit",
        AUDIT + "__init__.py",
        "    if critical.take_interrupt():\n",
        "    if False:\n",
        TESTS,
    ),
]
