"""Small faults that the tests must notice: `make mutants` puts each into a copy, builds it and runs the named tests.

A mutant is (what is wrong, file, text as it is, text as it would be wrong, tests that ought to notice). The text as it
is stands in its file once. The tests are paths, or path::function, with '...' around those that have blanks; only those
that are about what is wrong, so that trying a mutant takes seconds. Each file of this folder has those of one promise.
"""

from mutant_list import (
    acts,
    audit,
    boot,
    callbacks,
    campaigns,
    console,
    devices,
    engine,
    faults,
    hostile,
    injection,
    invariants,
    iommu,
    language,
    lent_tables,
    mappings,
    objects,
    owners,
    policies,
    processors,
    references,
    shell,
    stacks,
    swapped,
    systems,
    tables,
    wished_address,
)

PROMISES = (
    engine,
    tables,
    acts,
    mappings,
    stacks,
    references,
    wished_address,
    owners,
    lent_tables,
    invariants,
    injection,
    audit,
    objects,
    faults,
    swapped,
    policies,
    processors,
    hostile,
    boot,
    callbacks,
    campaigns,
    shell,
    console,
    systems,
    language,
    devices,
    iommu,
)
MUTANTS = [mutant for promise in PROMISES for mutant in promise.MUTANTS]
