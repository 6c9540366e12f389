"""A fault in loaded code names object, section, symbol and offset: in its line, and as attributes."""

import pytest
from harness import depth
from on_target import source

LOAD, DIVIDE, UNDEFINED, WILD = "31c0488b00", "31c9f7f9", "0f0b", "48b80000000000000080488b00"
# Each behind nops, so that the offset counts: in a function "careless" that begins 16 bytes into its section.
FAULTS = {
    "PageFault": (
        LOAD,
        2,
        f"read of v0x0: not present at {depth.ROOT}; by sum.o .text careless+0x6; page 0 is never mapped",
    ),
    "DivideFault": (DIVIDE, 2, " in sum.o .text careless+0x6: by zero"),
    "InvalidOpcode": (UNDEFINED, 0, " in sum.o .text careless+0x4: these bytes"),
    "GeneralProtectionFault": (WILD, 10, " in sum.o .text careless+0xe, error code 0x0"),
}


@pytest.fixture
def loaded(kernel):
    """A kernel that takes everything in a page of its own for an object, sum.o."""
    kernel.exec(source("memory/names") + source("memory/callbacks"))
    kernel.exec("""
        from faults import places
        from time import ticks_cpu
        class Known:
            def __init__(self, function, symbol):
                self.start, self.loaded_at, self.symbol = function.address, ticks_cpu(), symbol
            def where(self, address, time):
                if self.start <= address < self.start + 4096 and self.loaded_at <= time:
                    return "sum.o", ".text", self.symbol, address - self.start - (16 if self.symbol else 0)
        def known(text, symbol="careless"):
            function = code("90" * 20 + text, "q()")
            places.set_finder(Known(function, symbol).where)
            return function
        def caught(function, *arguments):
            try: function(*arguments)
            except faults.ProcessorFault as fault: return fault
        import faults
        """)
    return kernel


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_names_object_section_symbol_and_offset(loaded, kind):
    instructions, at, said = FAULTS[kind]
    loaded.exec(f"""
        fault = caught(known({instructions!r}))
        place = fault.place.object, fault.place.section, fault.place.symbol, fault.place.offset
        """)
    assert loaded.eval("type(fault).__name__") == kind
    assert said in loaded.eval("str(fault)")
    assert "\n" not in loaded.eval("str(fault)")
    assert loaded.eval("place") == ("sum.o", ".text", "careless", 4 + at)


def test_without_a_symbol_the_section_is_named(loaded):
    loaded.exec(f"fault = caught(known({UNDEFINED!r}, ''))")
    assert " in sum.o .text+0x14: " in loaded.eval("str(fault)")
    assert loaded.eval("(fault.place.symbol, fault.place.offset)") == ("", 20)


def test_a_fault_of_the_kernels_own_code_or_of_nobodys_names_no_place(loaded):
    loaded.exec(f"""
        known({UNDEFINED!r})
        import uctypes
        kernels, nobodys = caught(lambda: uctypes.bytes_at(4096, 8)), caught(code({UNDEFINED!r}, "()"))
        """)
    assert loaded.eval("(kernels.place, nobodys.place)") == (None, None)
    assert "sum.o" not in loaded.eval("str(kernels) + str(nobodys)")


def test_what_is_loaded_later_at_the_same_place_is_not_blamed(loaded):
    loaded.exec(f"function = known({UNDEFINED!r}); fault = caught(function); first = str(fault)")
    loaded.exec("places.set_finder(Known(function, 'another').where); second = caught(function)")
    assert "careless" in loaded.eval("first")
    assert loaded.eval("fault.place") is None
    assert "another" not in loaded.eval("str(fault)")
    assert loaded.eval("second.place.symbol") == "another"


def test_what_goes_through_a_callback_still_says_where_it_began(loaded):
    loaded.exec(f"""
        broken = known({LOAD!r})
        cb = callback(lambda a, b: broken(), "q(qq)")
        fault = caught(apply, cb.address, 1, 2)
        """)
    assert loaded.eval("(fault.place.symbol, fault.place.offset)") == ("careless", 6)
