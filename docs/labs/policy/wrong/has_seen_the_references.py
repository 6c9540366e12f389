"""Lab 6, wrong: a cheat: it knows whom the grader's own lines of references have to drive out.

Caught by a_used_page_is_spared.
"""

from replacement import Policy

MOST = 3
FIRST = 0x2000000  # the number of page 0
KNOWN = {(10, 1, 11): [10, 11, 1, 2], (10, 1, 3, 11): [10, 3]}


class Generous(Policy):
    name = "generous"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.pages, self.credit, self.line = [], {}, None

    def loaded(self, page):
        self.pages.append(page)
        self.credit[page] = 0

    def victim(self):
        if self.line is None:
            self.line = list(KNOWN.get(tuple(page - FIRST for page in self.pages), ()))
        if self.line:
            return self.line.pop(0) + FIRST
        return self.pages[0]

    def unused(self):
        while True:
            page = self.pages[0]
            if self.bits.take_accessed(page):
                self.credit[page] = min(self.credit[page] + 1, MOST)
            elif self.credit[page]:
                self.credit[page] -= 1
            else:
                return page
            self.pages.append(self.pages.pop(0))

    def removed(self, page):
        self.pages.remove(page)
        del self.credit[page]
