"""What `cpu` and `registers` say about the processor: QEMU's own names of features, and the SDM's tables of bits."""

import pytest
from harness import Kernel

SHOWN = "__import__('diagnostics.processor', None, None, ['Processor']).Processor()"
# A processor without these runs no kernel of 64 bits, or is refused at the start.
NEEDED = {"pse", "pae", "pge", "pat", "nx", "lm"}
# SDM volume 1, figure 3-8; volume 3, figure 2-7 and the descriptions of the bits; table 2-2 for EFER.
TABLES = {
    "FLAGS_BITS": "CF 0 PF 2 AF 4 ZF 6 SF 7 TF 8 IF 9 DF 10 OF 11 AC 18 ID 21",
    "CR0_BITS": "PE 0 MP 1 EM 2 TS 3 ET 4 NE 5 WP 16 AM 18 NW 29 CD 30 PG 31",
    "CR3_BITS": "PWT 3 PCD 4",
    "CR4_BITS": "VME 0 PVI 1 TSD 2 DE 3 PSE 4 PAE 5 MCE 6 PGE 7 PCE 8 OSFXSR 9 OSXMMEXCPT 10 UMIP 11 LA57 12"
    " FSGSBASE 16 PCIDE 17 OSXSAVE 18 SMEP 20 SMAP 21 PKE 22 CET 23 PKS 24",
    "EFER_BITS": "SCE 0 LME 8 LMA 10 NXE 11",
}


def features(boot, cpu):
    """Return what a kernel on such a processor says that it can, as a set."""
    guest = boot(cpu=cpu)
    guest.console.wait_for_prompt(20)
    return set(Kernel(guest).eval(f"{SHOWN}.features"))


def test_a_feature_that_qemu_takes_away_is_missing_and_no_other(boot):
    whole = features(boot, "max")
    assert whole > NEEDED | {"fsgsbase", "smep", "smap", "umip", "pku", "la57", "rdrand", "xsave", "pdpe1gb"}
    for name in sorted(whole - NEEDED):
        # QEMU takes away with xsave what is stored by it.
        along = {"pku"} if name == "xsave" else set()
        assert whole - features(boot, f"max,-{name}") - along == {name}


def test_the_names_that_the_processor_gives_itself(boot):
    guest = boot(cpu="max,vendor=GenuineIntel,model-id=A processor with quite a long name: 48 bytes all")
    guest.console.wait_for_prompt(20)
    kernel = Kernel(guest)
    assert kernel.eval(f"{SHOWN}.vendor") == "GenuineIntel"
    assert kernel.eval(f"{SHOWN}.brand") == "A processor with quite a long name: 48 bytes all"


def test_a_processor_that_does_not_say_has_36_bits_of_address(boot):
    """SDM volume 2, CPUID: without leaf 80000008h."""
    guest = boot(cpu="max,xlevel=0x80000007")
    guest.console.wait_for_prompt(20)
    assert Kernel(guest).eval(f"{SHOWN}.physical_bits") == 36


@pytest.mark.parametrize("table", TABLES)
def test_the_bits_of_registers_have_the_sdms_names(kernel, table):
    words = TABLES[table].split()
    kernel.exec(f"from diagnostics.processor import {table} as bits, names_of_bits")
    assert kernel.eval("sorted(bits)") == sorted(
        (int(bit), name) for name, bit in zip(words[::2], words[1::2], strict=True)
    )
    assert kernel.eval("names_of_bits((1 << 64) - 1, bits)") == words[::2]
