"""A thousand damaged files: loaded and unloaded, or refused by the loader's own errors; nothing is left of them."""

import fuzz_objects
import pytest
from on_target import source

FILES = 255


@pytest.mark.parametrize("model", fuzz_objects.MODELS_IN_TURN)
def test_damaged_files_are_loaded_or_refused_by_name(kernel, model):
    done, wrong = fuzz_objects.run(kernel, 1, 0, FILES, model)
    assert wrong is None
    assert sum(done.values()) == FILES
    assert {"loaded", "BadElf", "UnsupportedElf"} <= set(done)


KEEPS_A_FRAME = """
kept, real = [], objects.unload
def unload(*names):
    real(*names)
    kept.append(memory.allocate_frames(1))
objects.unload = unload
"""
FAULTS = {
    "objects.load = lambda files: 1 // 0": "ZeroDivisionError",
    "objects.unload = lambda *names: None": "pages of the region are in use",
    KEEPS_A_FRAME: "frames were free",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fuzzer_notices(kernel, fault):
    kernel.exec(source("loader/fuzz"))
    kernel.exec(f"bases = {fuzz_objects.bases('default')!r}\nimport memory\nfrom loader import objects\n{fault}")
    kernel.exec("ObjectFuzz.damaged = lambda self, data: data")
    assert FAULTS[fault] in kernel.eval("ObjectFuzz(bases).run(1, 0, 3)")[1]
    kernel.exec("import gc; kept = None; gc.collect()")
