"""Lab 4, wrong: copy() takes the right to write from the copy only.

Caught by a_copy_shares_all_frames.
"""

from faults import on_fault
from memory import HEAP_FLAGS, PteFlags, SharedFrames, allocate_frames, allocate_pages_at, get_kernel_mmi_ref


def map_at(page, shared, flags):
    pages = allocate_pages_at(page.start_address, 1)
    return get_kernel_mmi_ref().page_table.map_shared(pages, shared, flags)


class Space:
    def __init__(self, range, source=None):
        self.range = range
        self.pages = {}  # page number: (mapping, its SharedFrames)
        for place, page in enumerate(range):
            if source is None:
                self.give_own(page)
            else:
                mapped, shared = source.pages[source.range.first_number + place]
                self.pages[page.number] = map_at(page, shared, PteFlags()), shared
        self.handler = on_fault(range, self.answer)

    def give_own(self, page):
        shared = SharedFrames(allocate_frames(1))
        self.pages[page.number] = map_at(page, shared, HEAP_FLAGS), shared

    def copy(self, range):
        return Space(range, self)

    def answer(self, fault):
        if not (fault.error_code.write and fault.error_code.present):
            return False
        mapped, shared = self.pages[fault.page.number]
        if shared.users == 1:
            mapped.remap(HEAP_FLAGS)
            return True
        with mapped.as_slice("B") as view:
            content = bytes(view[:])
        self.let_go(fault.page.number)
        self.give_own(fault.page)
        with self.pages[fault.page.number][0].as_slice_mut("B") as view:
            view[:] = content
        return True

    def let_go(self, number):
        mapped, shared = self.pages.pop(number)
        mapped.drop()
        if shared.users == 0:
            shared.drop()

    def drop(self):
        self.handler.cancel()
        for number in list(self.pages):
            self.let_go(number)
