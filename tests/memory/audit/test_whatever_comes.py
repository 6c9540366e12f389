"""Whatever entries hold, the audit comes to its end, or to that of Ctrl-C, and nothing stays locked."""

import pytest
from harness import Kernel, depth
from on_target import source

POOL_SPOT = depth.root_entry(416)
"""Of the kernel's pool, far from everything else: what is mapped here has tables of its own."""


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_an_entry_holds_the_audit_comes_to_its_end(audited, seed):
    audited.exec(
        f"""
        frames = memory.allocate_frames(1)
        raw.map_to(SPOT, frames.start, READ, table_frames)
        my = memory.create_mapping_at(VirtualAddress({POOL_SPOT:#x}), 4096, WRITE)
        """
    )
    for level in range(audited.eval("LEVELS"), 0, -1):
        for page in "SPOT", "my.start":
            call = f"fuzz(entry(table.root, {page}.number, {level}), {seed * 100 + level}, 75)"
            found, longest = audited.eval(call, timeout=200)
            assert found > 25, (level, page)
            assert longest <= 67
    audited.exec("my.drop()\nraw.unmap(SPOT)[2].flush()\nraw.clean_up(table_frames)\nframes.drop()")


def test_a_tree_of_garbage_is_told_in_part_and_comes_to_an_end(audited):
    audited.exec(
        """
        my = memory.create_mapping(8 << 20, WRITE, huge=False)
        frames = [frame.number for frame in my.frames()[0]]
        words = random_entries(5)
        with my.as_slice_mut("Q") as view:
            for index in range(0, len(view), 3):
                view[index] = frames[index % len(frames)] << 12 | 3
        """
    )
    text = audited.eval("planted(window(table.root) + 8 * 100, frames[7] << 12 | 3)", timeout=100)
    assert len(text) <= 66
    assert text[64].endswith("more") or "the rest was not looked at" in text[64]
    audited.exec("my.drop()")


def test_ctrl_c_ends_an_audit_and_leaves_nothing_locked(console):
    console.command("import memory, _critical")
    console.command("kept = [memory.create_mapping(4096, memory.PteFlags()) for _ in range(3000)]", timeout=30)
    for _ in range(5):
        console.sendline("while True: memory.verify()")
        console.sendline("")
        console.interrupt()
        console.expect_exact("KeyboardInterrupt", timeout=5)
        console.wait_for_prompt()
    assert console.command("_critical.depth(), memory.verify().is_healthy", timeout=10) == "(0, True)\n"
    assert console.command("memory.create_mapping(4096, memory.PteFlags()).drop()") == ""


def test_an_interrupt_at_any_moment_ends_the_audit_and_only_that(audited):
    audited.exec(
        """
        import _critical, _inject
        def press(n):
            try:
                _inject.interrupt(n)
                memory.verify()
                _inject.interrupt(0)
                for _ in range(3):
                    pass
            except KeyboardInterrupt:
                return _critical.depth() == 0
            return None
        """
    )
    pressed = audited.eval("[press(1 + 97 * n) for n in range(60)]", timeout=60)
    assert False not in pressed
    assert pressed.count(True) > 10
    audited.exec(
        """
        from memory.audit.auditing import Sums
        reached, check = [], Sums.check
        Sums.check = lambda self, records: reached.append(records) or check(self, records)
        """
    )
    assert audited.eval("(press(20), reached)") == (True, []), "not only when it is done"
    assert audited.eval("(memory.verify().is_healthy, len(reached))") == (True, 1)


def test_one_leaf_without_an_owner_among_many_mappings_costs_next_to_nothing(boot):
    guest = boot(counted=True)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=60)
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/damage"))
    kernel.exec(
        """
        from time import ticks_cpu
        def cost():
            gc.collect()
            before = ticks_cpu()
            audit = memory.verify()
            return ticks_cpu() - before
        kept = [memory.create_mapping(4096, WRITE) for _ in range(4000)]
        frames = memory.allocate_frames(1)
        healthy = cost()
        raw.map_to(SPOT, frames.start, READ, table_frames)
        """
    )
    assert kernel.eval("cost() < healthy + 1_000_000")
    assert kernel.eval("healthy // 4000") < 16_000
