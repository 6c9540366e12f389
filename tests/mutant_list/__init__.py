"""Small faults that the tests must notice: `make mutants` puts each into a copy, builds it and runs the named tests.

A mutant is (what is wrong, file, text as it is, text as it would be wrong, tests that ought to notice). Each file of
this folder has those of one promise.
"""

from mutant_list import audit, boot, faults, injection, invariants, language, mappings, wished_address

PROMISES = (audit, boot, mappings, invariants, injection, wished_address, faults, language)
MUTANTS = [mutant for promise in PROMISES for mutant in promise.MUTANTS]
