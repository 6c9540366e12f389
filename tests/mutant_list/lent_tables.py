"""Small faults in who has the frames of tables, and in what is undone when a table can't be reached."""

LINKED = "kernel/paging/linked.py"
LENDING = "kernel/memory/lending.py"
FAULTED = "kernel/memory/mappings/faulted.py"
LEDGER = "kernel/memory/ledger/__init__.py"

ATTACKS = "tests/attacks/test_frames_of_others.py"
OTHERS = f"{ATTACKS} tests/memory/allocators/test_frames_of_others.py tests/attacks/test_cr3.py"
REFUSALS = "tests/memory/mappings/test_refused_accesses.py::test_a_"
REFUSED = REFUSALS + "refused_access_loses_nothing"
IN_THE_MIDDLE = REFUSALS + "refused_access_in_the_middle_of_a_table_loses_nothing"

MUTANTS = [
    (
        "a table's frame is not marked",
        LINKED,
        "        mark(self.marks, frame, 1)\n",
        "        pass\n",
        OTHERS,
    ),
    (
        "a mark is never looked at",
        LINKED,
        "        if not any_marked(self.marks, first, count):\n",
        "        if True:\n",
        OTHERS,
    ),
    (
        "the active root is nobody's table",
        LINKED,
        "        if first <= active < first + count:\n",
        "        if False:\n",
        OTHERS,
    ),
    (
        "only the active root is asked",
        LINKED,
        "            if root != active:\n                roots.append(root)\n",
        "            pass\n",
        OTHERS,
    ),
    (
        "tables of level 1 are not looked for",
        LINKED,
        "            if frame >= first and frame <= last:\n",
        "            if level > 2 and frame >= first and frame <= last:\n",
        OTHERS,
    ),
    (
        "only the first table of each level is looked into",
        LINKED,
        "                room = int(leads_to(frame, level - 1, first, last, shown, room - 1))\n",
        "                return int(leads_to(frame, level - 1, first, last, shown, room - 1))\n",
        OTHERS,
    ),
    (
        "frames for tables are taken from who does not lend them",
        LENDING,
        '                raise IllegalState(frames_text(first, 1), "no AllocatedFrames\'", "hold a page table")\n',
        "                return\n",
        OTHERS,
    ),
    (
        "an owner whose frames hold tables is not lent",
        LENDING,
        "                state[RUN] = LENT - (run & ~1)\n            elif",
        "                pass\n            elif",
        OTHERS,
    ),
    (
        "lent frames are clean when they come back",
        LENDING,
        "                state[RUN] = LENT - (run & ~1)\n            elif",
        "                state[RUN] = LENT - run\n            elif",
        OTHERS,
    ),
    (
        "a frame becomes a table twice",
        LENDING,
        "        if self._linked.holds(first, count):\n            raise",
        "        if False:\n            raise",
        OTHERS,
    ),
    (
        "forgotten frames that hold tables are given out",
        LENDING,
        "        if arena is not self._pool or not any_marked(self._linked.marks, run >> 1, count):\n",
        "        if True:\n",
        OTHERS,
    ),
    (
        "forgotten frames are kept for ever",
        LENDING,
        "                if owner:\n                    owner.drop()\n",
        "                if False:\n                    owner.drop()\n",
        OTHERS,
    ),
    (
        "the root's frame stays its owner's to give away",
        LENDING,
        "        if number != self._kernel_root and find_table(number) < 0:\n",
        "        if False:\n",
        OTHERS,
    ),
    (
        "a loan ends while tables lie in the frames",
        LENDING,
        "        return not self._linked.holds(LENT - self._state[RUN] >> 1, self._state[COUNT])\n",
        "        return True\n",
        OTHERS,
    ),
    (
        "a fault in the middle of mapping leaves what was mapped",
        FAULTED,
        "        take_out(table.access, page, count)\n    except BaseException:\n        keep(table, record, owners)\n",
        "        pass\n    except BaseException:\n        keep(table, record, owners)\n",
        REFUSED,
    ),
    (
        "a fault in mapping a few pages leaves them mapped",
        FAULTED,
        "        entries.clear(at, entries.touching(at, count, frame, word | EXCLUSIVE_BIT, 1))\n",
        "        pass\n",
        IN_THE_MIDDLE,
    ),
    (
        "a fault in mapping a few pages keeps the guard",
        FAULTED,
        "            give_runs(table, page, frame, count)\n    finally:\n        leave()\n",
        "            give_runs(table, page, frame, count)\n    finally:\n        pass\n",
        REFUSED,
    ),
    (
        "what can't be undone now is given back at once",
        FAULTED,
        "            owner._state = [DEAD, 0, None, FAULT, None]\n",
        "            pass\n",
        IN_THE_MIDDLE,
    ),
    (
        "what a fault has left is never undone",
        FAULTED,
        "            again()\n            kernel.unfinished.remove(again)\n",
        "            kernel.unfinished.remove(again)\n",
        REFUSED,
    ),
    (
        "leaves that a fault has left changed stay so",
        FAULTED,
        "    try:\n        change(table, record)\n    except BaseException:\n",
        "    try:\n        pass\n    except BaseException:\n",
        REFUSED,
    ),
    (
        "empty tables that a fault has left linked stay so",
        FAULTED,
        "            postpone_cutting(table, page, count)\n",
        "            pass\n",
        REFUSED,
    ),
    (
        "entries of a few pages that a fault has emptied stay empty",
        FAULTED,
        "        entries.fill(at, gone, record.frames, record.flags | EXCLUSIVE_BIT, 1)\n",
        "        pass\n",
        REFUSED,
    ),
    (
        "pages of records that are being taken away are counted as mapped",
        LEDGER,
        "        if word & 0xFF == kind and word >> 8 & 0xFF >= _LIVE and",
        "        if word & 0xFF == kind and word >> 8 & 0xFF >= _BUSY and",
        "tests/attacks/test_unmapped_is_a_state.py tests/memory/audit tests/memory/mappings/test_mapped_pages.py",
    ),
    (
        "pages are counted in the wrong half",
        LEDGER,
        "int(known[_FIRST_PAGE + 1]) >> 19 & 1 == upper:",
        "int(known[_FIRST_PAGE + 1]) >> 19 & 1 != upper:",
        "tests/attacks/test_unmapped_is_a_state.py tests/memory/audit tests/memory/mappings/test_mapped_pages.py",
    ),
]
