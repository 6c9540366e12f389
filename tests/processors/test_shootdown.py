"""TLB shootdown by every path of the engine; and what it costs."""

import pytest
from harness import Kernel
from processors import shootdown_rows, swapped_rows

ROWS = (*shootdown_rows.ROWS, *swapped_rows.ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_on_two_processors(pair, row):
    row(pair)


def test_no_dirty_bit_is_lost(pair):
    shootdown_rows.no_dirty_bit_is_lost(pair, 200)


PAIR = """
    from time import ticks_cpu
    import memory
    RW = memory.PteFlags().writable(True)
    kept = memory.create_mapping(4096, RW)  # its tables stay
    def spent(call, rounds=20):
        call()
        start = ticks_cpu()
        for _ in range(rounds): call()
        return (ticks_cpu() - start) / rounds
    def pair(): memory.create_mapping(4096, RW).drop()
    """


def test_what_it_costs(boot):
    """Instructions of all CPUs together, on a machine whose clock they are."""
    single, triple = [boot(processors=count, counted=True) for count in (1, 3)]
    kernels = []
    for guest in single, triple:
        guest.console.wait_for_prompt(60)
        kernels.append(Kernel(guest, timeout=60))
        kernels[-1].exec(PAIR)
    kernel = kernels[1]
    kernel.exec("""
        from processors import processors
        from _processors import shoot
        from time import sleep_ms
        def attached(count):
            for each in processors(): each.park()
            for each in processors()[:count]: each.read(kept)
            sleep_ms(20)
            before = [each.counts[2] for each in processors()]
            def round(root, pages): return spent(lambda: shoot(root, 1 << 25, pages, 4096))
            rounds = [round(0, pages) - round(1, pages) for pages in (1, 64)]  # nobody is on root 1
            served = [each.counts[2] - before[n] for n, each in enumerate(processors())]
            return spent(pair), rounds, served
        parked, one, two = attached(0), attached(1), attached(2)
        """)
    alone = kernels[0].eval("spent(pair)")
    parked, one, two = kernel.eval("(parked[0], one, two)")
    assert 0 <= parked - alone <= 30
    assert 0 < one[0] - parked <= 300
    assert 0 < one[1][0] <= 160
    assert 0 < two[1][0] <= 160 + 97
    assert one[1][1] - one[1][0] <= 64 * 8, "one request for 64 pages"
    assert (one[2], two[2]) == ([42, 0], [42, 42]), "a request each, and two calls that were not counted"
