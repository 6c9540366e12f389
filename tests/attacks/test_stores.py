"""Attributes that nobody sets: what the kernel itself goes by, and what owns, can't be changed from outside."""

SETUP = """
pages, frames = memory.allocate_pages(1), memory.allocate_frames(1)
mapped = create_mapping(4096, WRITE)
sliced = create_mapping(4096, WRITE).into_borrowed_slice_mut("B")
shared, stack = SharedFrames(memory.allocate_frames(1)), memory.Stack(1)
table = PageTable.new_table(K)
everything = {
    "the kernel's table": K, "the kernel's memory": MMI, "its frame allocator": memory.frame_allocator,
    "its page allocator": memory.page_allocator, "its table frames": tf, "its heap": MMI.heap,
    "pages": pages, "frames": frames, "a mapping": mapped, "a borrowed slice": sliced, "shared frames": shared,
    "a stack": stack, "a table": table,
}
def names_of(thing):
    own = getattr(thing, "__dict__", {})
    return sorted(set([name for name in dir(type(thing)) + list(own) if name[0] != "_"])) + ["nothing_of_that_name"]
def end():
    for one in mapped, sliced, shared, stack, table, frames, pages:
        one.drop()
"""


def test_no_attribute_of_the_kernels_own_objects_and_of_owners_can_be_set_or_deleted(attacked):
    attacked.exec(SETUP)
    attacked.exec("""
        tried, done = {}, []
        for what, thing in everything.items():
            names = names_of(thing)
            tried[what] = len(names)
            for name in names:
                for act, values in (setattr, (None,)), (delattr, ()):
                    if refused(act, thing, name, *values) != "AttributeError" or name not in said:
                        done.append((what, act.__name__, name, said))
        """)
    assert attacked.eval("done[:10]") == []
    assert attacked.eval("min(tried.values())") > 3
    assert attacked.eval("max(tried.values())") > 30
    attacked.exec("end(); del pages, frames, mapped, sliced, shared, stack, table, everything, thing")
    attacked.adds_up()


def test_the_field_of_a_borrowed_struct_can_be_set_and_what_it_is_made_of_stays(attacked):
    attacked.exec("b = create_mapping(4096, WRITE).into_borrowed_mut({'word': 0}); b.word = 7")
    assert attacked.eval("(b.word, refused(delattr, b, 'mutability'), said)") == (
        7,
        "AttributeError",
        "'BorrowedMappedPages' object: attribute 'mutability' can't be deleted",
    )
    assert "Mutable" in attacked.eval("repr(b)")
    attacked.exec("b.drop(); del b")
    attacked.adds_up()
