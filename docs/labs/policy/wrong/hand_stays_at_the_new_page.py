"""Lab 6, wrong: the hand looks at the page that has just come first.

Caught by a_used_page_is_spared.
"""

from replacement import Policy

MOST = 3


class Generous(Policy):
    name = "generous"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.pages, self.credit = [], {}

    def loaded(self, page):
        self.pages.insert(0, page)
        self.credit[page] = 0

    def victim(self):
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
