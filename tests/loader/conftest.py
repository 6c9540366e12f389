"""A kernel that can load objects."""

import pytest
from harness.aliases import check_aliases

PRELUDE = """
import gc
import memory
from loader import objects, symbol
made = []
def function(name, signature):
    made.append(symbol(name).as_func(signature))
    return made[-1]
def let_go():
    while made: made.pop().release()
def free(): return memory.frame_allocator.statistics().free, memory.page_allocator.statistics().free
def settled():
    gc.collect()
    return free()
"""


@pytest.fixture
def loading(kernel, request):
    """A kernel with `objects`, `symbol`, function(name, signature); `loading.load({name: bytes})` loads.

    What the test leaves loaded is unloaded, and every frame and page must be free again.
    """
    kernel.exec(PRELUDE)

    def load(files):
        kernel.exec(f"objects.load({list(files.items())!r})")

    kernel.load = load
    before = kernel.eval("settled()")
    yield kernel
    check_aliases(kernel.guest, request.node)  # what is loaded is still there
    kernel.exec("let_go(); objects.unload(*objects.OBJECTS.objects)")
    assert kernel.eval("settled()") == before
    assert kernel.eval("[repr(each) for each in objects.loaded()]") == []
    assert kernel.eval("memory.verify().violations") == []
