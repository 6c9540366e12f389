"""Object files are loaded, linked with each other and with the kernel, called, and unloaded without a trace."""

import shutil

import pytest
from harness.objects import MODELS, compiled, compiled_rust
from loader.sources import COUNTER, MATH, USED, USER


def pair(model="default"):
    """Return both objects that need each other, compiled for a code model."""
    return {name: compiled(text, *MODELS[model]) for name, text in (("math.o", MATH), ("counter.o", COUNTER))}


@pytest.mark.parametrize("model", MODELS)
def test_every_code_model_runs_with_circular_references(loading, model):
    loading.load(pair(model))
    assert loading.eval("function('add3', 'q(qqq)')(1, 2, 39)") == 42
    assert loading.eval("function('through_table', 'q(q)')(5)") == 7
    assert loading.eval("[function('length', 'q(i)')(which) for which in range(2)]") == [4, 5]
    assert loading.eval("[function('choose', 'q(i)')(which) for which in range(7)]") == [5, 3, 11, 99, 5, 41, 0]
    assert loading.eval("function('weak', 'q()')()") == -1
    assert loading.eval("function('half', 'd(d)')(5.0)") == 2.5
    assert loading.eval("function('both', 'q()')()") == 6 + 42
    assert loading.eval("memory.verify().violations") == []


def test_assembler_runs_and_a_call_beyond_the_reach_goes_through_a_stub(loading):
    far = compiled(".globl far; .set far, 0x123456789abc; .data; .quad 1", ending=".S")
    text = """
        .globl calls, length, pointer
        calls: call far@PLT; call far@PLT; ret
        length: sub $8, %rsp; call strlen@PLT; add $8, %rsp; ret
        pointer: .quad far
        """
    loading.load({"far.o": far, "near.o": compiled(text, ending=".S")})
    loading.exec("plt = objects.find('near.o').sections['.plt']; text = symbol('calls').mapped_pages.as_slice('B')")
    stub = (0x123456789ABC).to_bytes(8, "little")
    assert loading.eval("bytes(text[plt.offset : plt.offset + 12])") == b"\x48\xb8" + stub + b"\xff\xe0"
    assert loading.eval("plt.size") == 16  # one for both calls, and none for a function of the kernel
    code, plt = loading.eval("[bytes(text[:64]), plt.offset]")
    for call in (0, 5):
        assert call + 5 + int.from_bytes(code[call + 1 : call + 5], "little") == plt
    assert stub in code
    loading.exec("text.release()")
    loading.exec("f = function('length', 'q(Q)'); text = bytes(range(1, 6)) + bytes(1); import uctypes")
    assert loading.eval("f(uctypes.addressof(text))") == 5


def test_every_group_has_its_rights_and_none_may_be_written_and_executed(loading):
    loading.load(pair())
    rights = loading.eval("""[(group, [mapped.flags.is_writable(), mapped.flags.is_executable()])
        for each in objects.loaded() for group, mapped in each.mappings.items()]""")
    expected = {"text": [False, True], "rodata": [False, False], "data": [True, False]}
    assert len(rights) == 6
    assert all(found == expected[group] for group, found in rights)


def test_text_is_never_writable_not_for_a_moment(loading):
    """Asked whenever the loader stores into memory: from the first byte on, each group has the rights that it keeps."""
    loading.exec("""
        from loader import linking
        real, seen = linking.write_bytes, []
        def write_bytes(address, data):
            seen.append([mapped.flags.is_writable() and mapped.flags.is_executable() or mapped.flags.is_writable()
                for part in linking_now[0].parts for group, mapped in part.object.mappings.items()
                if group != "data"])
            seen.append(memory.verify().violations)
            real(address, data)
        linking_now = []
        compute = linking.Linking.compute
        def watched(self):
            linking_now[:] = [self]
            compute(self)
        linking.Linking.compute, linking.write_bytes = watched, write_bytes
        """)
    loading.load(pair())
    loading.exec("linking.Linking.compute, linking.write_bytes = compute, real; del linking_now, watched")
    assert loading.eval("len(seen)") >= 12
    assert loading.eval("any([any(each) for each in seen])") is False


def test_a_common_symbol_is_one_place_for_all_and_gives_way_to_a_definition(loading):
    common = compiled("long shared; char wide[100]; long get(void) { return shared; }", "-fcommon")
    other = compiled("long shared; char wide[300]; void set(long a) { shared = a; }", "-fcommon")
    defined = compiled("long shared = 9; long third(void) { return shared; }")
    loading.load({"a.o": common, "b.o": other})
    loading.exec("function('set', '(q)')(7)")
    assert loading.eval("function('get', 'q()')()") == 7
    assert loading.eval("symbol('wide').size") == 300
    assert loading.eval("objects.where(symbol('wide').address + 299)") == ("b.o", "COMMON", "wide", 299)
    loading.exec("let_go(); objects.unload('a.o', 'b.o')")
    loading.load({"a.o": common, "c.o": defined})
    assert loading.eval("function('get', 'q()')()") == 9


def test_weak_gives_way_and_comes_back(loading):
    weak = compiled("__attribute__((weak)) long which(void) { return 1; } long ask(void) { return which(); }")
    strong = compiled("long which(void) { return 2; }")
    loading.load({"weak.o": weak, "strong.o": strong})
    assert loading.eval("function('ask', 'q()')()") == 2
    loading.exec("let_go(); objects.unload('weak.o')")
    loading.load({"later.o": weak})
    assert loading.eval("function('ask', 'q()')()") == 2
    loading.exec("let_go(); objects.unload('later.o', 'strong.o')")
    loading.load({"weak.o": weak})
    assert loading.eval("function('ask', 'q()')()") == 1
    loading.load({"strong.o": strong})
    assert loading.eval("function('which', 'q()')()") == 2
    loading.exec("let_go(); objects.unload('strong.o')")
    assert loading.eval("function('which', 'q()')()") == 1


def test_a_namespace_sees_its_parent_and_hides_what_it_defines_itself(loading):
    loading.load({"used.o": compiled(USED)})
    loading.exec("inner = objects.Namespace('inner', objects.OBJECTS)")
    files = [("user.o", compiled(USER))]
    loading.exec(f"objects.load({files!r}, inner)")
    assert loading.eval("objects.symbol('user', inner).as_func('q(q)')(1)") == 20
    with loading.raises("NoSuchSymbol", match="user"):
        loading.exec("symbol('user')")
    with loading.raises("ObjectNeeded", match=r"used.o: needed by .text of user.o \(used\)"):
        loading.exec("let_go(); objects.unload('used.o')")
    loading.exec("let_go(); objects.unload('user.o', namespace=inner)")
    files = [("used.o", compiled("long used(long a) { return 7; }")), *files]
    loading.exec(f"objects.load({files!r}, inner)")
    assert loading.eval("objects.symbol('user', inner).as_func('q(q)')(1)") == 70
    loading.exec("let_go(); objects.unload('used.o', 'user.o', namespace=inner); del inner")


def test_a_common_symbol_is_as_large_and_as_aligned_as_anybody_wants_it(loading):
    """One wants it aligned, another one large: in either order."""
    aligned = compiled("char less; char x[4] __attribute__((aligned(64))); char *first(void) { return x; }", "-fcommon")
    large = compiled("char more; char x[40]; char *second(void) { return x; }", "-fcommon")
    for files in ((("a.o", aligned), ("b.o", large)), (("b.o", large), ("a.o", aligned))):
        loading.exec(f"objects.load({list(files)!r})")
        assert loading.eval("(symbol('x').address % 64, symbol('x').size)") == (0, 40)
        assert loading.eval("objects.where(symbol('x').address + 39)") == ("b.o", "COMMON", "x", 39)
        assert loading.eval("len({function(name, 'Q()')() for name in ('first', 'second')})") == 1
        loading.exec("let_go(); objects.unload('a.o', 'b.o')")


def test_the_functions_of_the_kernel_are_there(loading):
    text = """
        extern void *memset(void *, int, unsigned long), *memcpy(void *, const void *, unsigned long);
        extern void *memmove(void *, const void *, unsigned long); extern unsigned long strlen(const char *);
        extern int memcmp(const void *, const void *, unsigned long), printf(const char *, ...), puts(const char *);
        extern void abort(void) __attribute__((noreturn)), log_print(const char *, ...);
        char a[16], b[16];
        long work(void) {
            memset(a, 'x', 9); memcpy(b, a, 16); memmove(b + 1, b, 9);
            return strlen(b) * 10 + !memcmp(a, b, 9);
        }
        void say(void) { printf("%d and %s\\n", 42, "more"); puts("less"); log_print("objects: %d\\n", 43); }
        void end(void) { abort(); }
        """
    loading.load({"c.o": compiled(text)})
    assert loading.eval("function('work', 'q()')()") == 101
    assert loading.exec("function('say', '()')()") == "42 and more\r\nless\r\n".replace("\r", "")
    with loading.raises("RuntimeError", match=r"abort\(\) was called from 0xffffffffa00"):
        loading.exec("function('end', '()')()")


def test_a_line_that_is_too_long_for_the_log_is_cut_off(loading):
    text = """
        extern void log_print(const char *, ...);
        char zeros[512];
        void say(int length) {
            for (int i = 0; i < 512; i++) zeros[i] = i < length ? '0' : 0;
            log_print("%s", zeros); log_print("|\\n");
        }
        """
    loading.load({"c.o": compiled(text)})
    loading.exec("for length in (254, 255, 256, 257, 300): function('say', '(i)')(length)")
    lines = [line for line in loading.guest.log_bytes().split(b"\n") if line.endswith(b"0|")]
    assert [(len(line) - 1, set(line[:-1])) for line in lines[-5:]] == [(n, {ord("0")}) for n in (254, *[255] * 4)]


def test_rusts_panics_end_the_call_whatever_their_hash(loading):
    text = """
        .globl index
        index: sub $8, %rsp; call _ZN4core9panicking18panic_bounds_check17h0123456789abcdefE@PLT
        """
    loading.load({"rust.o": compiled(text, ending=".S")})
    with loading.raises("RuntimeError", match="abort"):
        loading.exec("function('index', '()')()")


def test_where_names_object_section_symbol_and_offset(loading):
    loading.load(pair())
    assert loading.eval("objects.where(symbol('add3').address + 3)") == ("math.o", ".text", "add3", 3)
    assert loading.eval("objects.where(symbol('base').address)") == ("math.o", ".bss", "base", 0)
    assert loading.eval("objects.where(memory.VirtualAddress(symbol('die').address))") == (
        "counter.o",
        ".text.unlikely",
        "die",
        0,
    )
    assert loading.eval("objects.where(symbol('add3').section.mapped_pages.start.start_address.value + 4000)") == (
        "math.o",
        "",
        "",
        4000,
    )
    for nowhere in ("0", "1 << 63", "0xffffffffa7654321", "0xffffffff80100000", "(1 << 64) - 1"):
        assert loading.eval(f"objects.where({nowhere})") is None


def test_a_symbol_knows_its_place_and_its_users(loading):
    loading.load({"used.o": compiled(USED, "-mcmodel=kernel", "-fno-pic"), "user.o": compiled(USER)})
    assert loading.eval("[repr(each) for each in symbol('used').users()]") == [".text of user.o"]
    assert loading.eval("symbol('user').users()") == []
    assert loading.eval("symbol('used').address - 0xffffffffa0000000 < 4096")
    with loading.raises("NoSuchSymbol", match="no loaded object has a symbol nonsense"):
        loading.exec("symbol('nonsense')")
    with loading.raises("NoSuchSymbol", match="memcpy is a number of the kernel"):
        loading.exec("symbol('memcpy')")


RUST = """
#![no_std]
#[no_mangle] pub static mut CALLS: u64 = 0;
extern "C" { fn add3(a: i64, b: i64, c: i64) -> i64; }
#[no_mangle] pub extern "C" fn fib(n: u64) -> u64 {
    unsafe { CALLS += 1; }
    (0..n).fold((0u64, 1u64), |(a, b), _| (b, a.wrapping_add(b))).0
}
#[no_mangle] pub extern "C" fn pick(index: usize) -> u32 { [3u32, 5, 7, unsafe { CALLS as u32 }][index] }
#[no_mangle] pub extern "C" fn sum(a: i64) -> i64 { unsafe { add3(a, a, a) } }
"""
RUST_MODELS = {
    "default": (),
    "kernel": ("-C", "relocation-model=static", "-C", "code-model=kernel"),
    "large": ("-C", "relocation-model=static", "-C", "code-model=large"),
}


@pytest.mark.skipif(shutil.which("rustc") is None, reason="no rustc on this machine")
@pytest.mark.parametrize("model", RUST_MODELS)
def test_rust_runs_and_a_panic_ends_the_call(loading, model):
    loading.load(pair() | {"rust.o": compiled_rust(RUST, *RUST_MODELS[model])})
    assert loading.eval("function('fib', 'Q(Q)')(50)") == 12586269025
    assert loading.eval("function('sum', 'q(q)')(14)") == 42
    assert loading.eval("[function('pick', 'I(Q)')(which) for which in range(4)]") == [3, 5, 7, 1]
    with loading.raises("RuntimeError", match="abort"):
        loading.exec("function('pick', 'I(Q)')(4)")
