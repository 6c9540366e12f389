"""Random mutants that change nothing anybody could see, by their key (tools/mutations.py), each with the reason.

A key has the file, the function, the operator and the line before and after, so it stays when lines move, and falls out
of use, which tests/self/test_mutations.py says, when the line itself changes.
"""

EQUIVALENT = {}
