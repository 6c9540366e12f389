"""What ends something takes nothing from Python's heap, and Ctrl-C can't split it: else what it holds is lost."""

import pytest

# What is begun, and how it ends: each end is tried with the n-th allocation failing, and with Ctrl-C at the n-th place.
ENDS = {
    "a mapping, and the tables above it": ("create_mapping_at(VirtualAddress(LOW), 4096, WRITE)", "it.drop()"),
    "a mapping of the pool": ("create_mapping(4096, WRITE)", "it.drop()"),
    "a handler": ("on_fault(pages_from(at(LOW), 1), len)", "it.cancel()"),
    "a handler in a with statement": ("on_fault(pages_from(at(LOW), 1), len)", "it.__exit__(None, None, None)"),
    "a technique": ("RecursivePageTable(root_frame(K))", "it.leave()"),
    "a technique in a with statement": ("RecursivePageTable(root_frame(K))", "it.__exit__(None, None, None)"),
}


@pytest.mark.parametrize("what", ENDS)
@pytest.mark.parametrize("arm", ["fail_allocation", "interrupt"])
def test_an_end_is_whole_whatever_comes_in_between(attacked, what, arm):
    begin, end = ENDS[what]
    attacked.exec(f"""
        from faults import handlers, on_fault
        def begin():
            return {begin}
        def end(it):
            {end}
        def once(n):
            it = begin()
            raised = None
            _inject.{arm}(n)
            try:
                end(it)
                left = _inject.{arm}(0)
                for _ in range(2): pass
            except BaseException as error:
                left = _inject.{arm}(0)
                raised = type(error).__name__
            return left, raised
        wrong, n, left = [], 0, 0
        while not left and n < 300:
            n += 1
            left, raised = once(n)
            collected()
            if handlers.handlers() or violations() or _critical.depth():
                wrong.append((n, raised))
                break
        """)
    assert attacked.eval("wrong") == []
    assert 1 <= attacked.eval("n") < 300
    attacked.adds_up()


def test_an_end_in_a_with_statement_needs_no_memory(attacked):
    """What calls `__exit__` makes a tuple of its arguments if it takes them as one."""
    attacked.exec("""
        from faults import handlers, on_fault
        left = []
        for make in (
            lambda: on_fault(pages_from(at(LOW), 1), len), lambda: RecursivePageTable(root_frame(K)),
            lambda: create_mapping(4096, WRITE), lambda: memory.allocate_pages(1),
        ):
            try:
                with make() as it:
                    _inject.fail_allocation(1)
                left.append(_inject.fail_allocation(0))
            except MemoryError:
                left.append(None)
            it = None
        """)
    assert attacked.eval("(left, handlers.handlers())") == ([1] * 4, [])
    attacked.adds_up()


@pytest.mark.parametrize("arm", ["fail_allocation", "interrupt"])
def test_a_request_that_fails_leaves_nothing_that_waits(attacked, arm):
    """An allocator keeps the actions that are postponed: not those of requests that came to nothing."""
    attacked.exec(f"""
        pending, wrong, n, left = memory.page_allocator._pending, [], 0, 0
        def once(n):
            _inject.{arm}(n)
            try:
                pages, action = memory.allocate_pages_deferred(AllocationRequest.AlignedTo(8), 3)
                left = _inject.{arm}(0)
                action.drop()
            except BaseException:
                left = _inject.{arm}(0)
            return left
        while not left and n < 300:
            n += 1
            try:
                left = once(n)
            except KeyboardInterrupt:
                _inject.{arm}(0)
            if [action for action in pending if not action._left_over]:
                wrong.append(n)
                break
            for action in list(pending):
                action.drop()
        """)
    assert attacked.eval("wrong") == []
    assert 5 < attacked.eval("n") < 300
    attacked.exec("del pending")
    attacked.adds_up()
