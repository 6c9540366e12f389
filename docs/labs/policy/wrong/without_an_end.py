"""Wrong: it has credit grow without an end.

Caught by long_runs_with_few_frames.
"""

from replacement import Policy

MOST = 3


class Generous(Policy):
    name = "generous"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.pages, self.credit = [], {}

    def loaded(self, page):
        self.pages.append(page)
        self.credit[page] = 0

    def victim(self):
        while True:
            page = self.pages[0]
            if self.bits.take_accessed(page):
                self.credit[page] = self.credit[page] + 1
            elif self.credit[page]:
                self.credit[page] -= 1
            else:
                return page
            self.pages.append(self.pages.pop(0))

    def removed(self, page):
        self.pages.remove(page)
        del self.credit[page]
