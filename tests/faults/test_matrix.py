"""Rights mean what they say: the machine performs accesses, and the SDM's oracle judges each one.

The whole product is `make matrix`; here is a sample of it that covers every block.
"""

import dataclasses
import itertools
import random

import numpy
import pytest
from harness import Kernel
from matrix import blocks
from matrix.judge import LIBERTIES_OF_TCG, Judge, has_keys, processor_of
from oracle.permissions import Settings

SEED = 2026
CONTROL = "[_cpu.read_cr0(), _cpu.read_cr3(), _cpu.read_cr4(), _cpu.read_msr(0xc0000080), _cpu.read_flags() >> 9 & 1]"


def judged(judge, runs):
    """Run the judge over runs; fail with what disagreed."""
    judge.run(runs)
    assert not judge.disagreeing, f"{judge.disagreeing} disagree, such as:\n" + "\n".join(
        str(disagreement) for disagreement in judge.disagreements[:10]
    )
    return judge


def test_the_anchors_product_is_all_there():
    product = list(blocks.anchor())
    assert sum(block.cases for block in product) == 19_169_280
    states = set()
    for block in product:
        if block.settings == Settings(nxe=block.settings.nxe, pkru=block.settings.pkru) and block.flags[0] >> 59 == 2:
            entries = block.entries()
            rows = numpy.stack([entries[2], entries[1]], axis=1).tolist()
            states |= {(block.settings.nxe, block.flags[1], *row) for row in rows}
    key_and_read_only = 4
    assert len(states) == 39_936 * key_and_read_only


def test_the_cover_has_every_pair():
    rows = blocks.pairwise(blocks.FACTORS)
    for one, other in itertools.combinations(blocks.FACTORS, 2):
        seen = {(row[one], row[other]) for row in rows}
        assert seen == set(itertools.product(blocks.FACTORS[one], blocks.FACTORS[other]))


def test_a_sample_of_every_block_of_the_anchor(kernel):
    judge = judged(Judge(kernel), blocks.sample(blocks.anchor(), 64, SEED))
    assert judge.cases >= 300_000
    assert judge.faults < judge.cases


def test_a_sample_of_what_the_anchor_leaves_out(kernel):
    chosen = blocks.left_out()
    rare = random.Random(SEED).sample([block for block in chosen if block.name != "value of CR2"], 600)
    judge = judged(Judge(kernel), blocks.sample(rare + chosen[::37], 48, SEED))
    assert judge.cases >= 300_000


def test_the_control_registers_are_as_before(kernel):
    kernel.exec("import _cpu\nfrom faults import probe as p")
    before = kernel.eval(CONTROL)
    judged(Judge(kernel), blocks.sample(list(blocks.anchor())[::37], 4, SEED))
    assert kernel.eval(CONTROL) == before


@pytest.mark.parametrize("liberty", LIBERTIES_OF_TCG)
def test_each_liberty_is_what_this_version_of_the_emulator_does(kernel, liberty):
    """What was found out by trying a few cases is so in a sample: taken or not, the opposite disagrees."""
    found = processor_of(kernel)
    judge = Judge(kernel, dataclasses.replace(found, **{liberty: not getattr(found, liberty)}))
    judge.run(blocks.sample(blocks.gigabyte_pages()[::5], 64, SEED))
    assert judge.disagreeing


def test_a_machine_that_differs_is_found_and_named(kernel):
    block = next(iter(blocks.anchor()))
    judge = Judge(kernel, dataclasses.replace(processor_of(kernel), physical_bits=39))
    honest = [block, dataclasses.replace(block, flags=(block.flags[0] | 1 << 39, *block.flags[1:]))]
    judge.run([(honest[1], 1, 1)])
    assert judge.disagreeing == len(block.accesses)
    assert "the machine did" in str(judge.disagreements[0])
    judge.disagreements.clear()
    judge.run([(honest[0], 0, 64)])
    assert not judge.disagreements


@pytest.mark.slow
@pytest.mark.bochs
def test_a_sample_on_the_second_machine(bochs_kernel):
    chosen = [*blocks.anchor(keys=False), *blocks.left_out(keys=False)[::9]]
    judge = judged(Judge(bochs_kernel), blocks.sample(chosen, 12, SEED))
    assert judge.cases >= 50_000


@pytest.mark.bochs
def test_protection_keys_on_the_second_machine_but_for_its_known_fault(boot_bochs):
    """Bochs 3.0 gives up where CR0.WP is off on the models with CET: "asked to set dirty on paging leaf entry"."""
    guest = boot_bochs(cpu="corei7_icelake_u")
    guest.console.expect("> $", 60)
    kernel = Kernel(guest, timeout=30)
    assert has_keys(kernel)
    with_keys = [block for block in blocks.anchor() if block.settings.pke]
    judged(Judge(kernel), blocks.sample(with_keys[::5], 8, SEED))


def test_what_the_cpu_lacks_is_refused(boot):
    guest = boot(cpu="qemu64")
    guest.console.expect("> $", 15)
    kernel = Kernel(guest)
    kernel.exec("from faults import probe as p")
    with kernel.raises("NotImplementedError", "protection keys"):
        kernel.exec("p.results(p.block((7, 7, 7, 7), (), (0,), p.SMEP, 0, 0, (64, 1, 0), 0xcc00000000b8), 0, 1)")
