# Machine code by hand for the tests of callbacks, with all that ends it.
from loader.callbacks import callback
from paging.natives import critical

# Call rdi with rsi and rdx; the same, and then spin; spin; load from address 0; call with registers, flags and stack as
# they should not be: std, rbx and others overwritten, the stack no multiple of 16.
APPLY = "4889f8 4889f7 4889d6 4883ec08 ffd0 4883c408 c3"
APPLY_THEN_SPIN = "4889f8 4889f7 4889d6 4883ec08 ffd0 ebfe"
SPIN = "ebfe"
LOAD_NULL = "31c0 488b00 c3"
BADLY = "4889f8 4889f7 4889d6 53 55 4154 4155 31db 31ed 4531e4 4531ed fd ffd0 fc 415d 415c 5d 5b c3"


def code(text, signature):
    """A function of these bytes, in a page of its own, which goes with it."""
    mapped = create_mapping(4096, RW)
    with mapped.as_slice_mut("B") as view:
        view.copy_from(bytes.fromhex(text.replace(" ", "")))
    mapped.remap(RX)
    return LoadedSection("text", mapped).as_func(signature)


def forward(to, signature):
    """A function that jumps to an address with all registers as they come."""
    return code("48b8" + to.to_bytes(8, "little").hex() + "ffe0", signature)


def depth(function=None):
    """How deep Python may call itself from here."""
    try:
        return 1 + depth()
    except RuntimeError:
        return 1


def state():
    return depth(), critical.depth()


apply = code(APPLY, "q(Qqq)")
keep = callback(print, "()")
