"""Small faults in pictures of page tables, and in the page that shows them as they are."""

DRAWING = "tools/drawing.py"
SERVER = "tools/live_page/server.py"
SESSION = "tools/live_page/session.py"
TABLES = "tools/live_page/tables.py"
PROMPT = "tools/live_page/prompt.py"
PAGE = "tools/live_page/page"
PICTURES = "tests/tools/test_pictures.py"
WEB = "tests/view/test_server.py"
ASKED = "tests/view/test_prompt.py"
ENDS = "tests/view/test_session.py"
WALKED = "tests/view/test_tables.py"
BROWSER = "tests/view/test_browser.py"

MUTANTS = [
    (
        "the page is for whoever has any token",
        SERVER,
        'token.encode(errors="replace"), request.app[TOKEN]',
        "request.app[TOKEN].encode(), request.app[TOKEN]",
        f"{WEB}::test_nobody_else_comes_in",
    ),
    (
        "the page is there under any name",
        SERVER,
        'if request.headers.get("Host") not in hosts:',
        'if request.headers.get("Host") is None:',
        f"{WEB}::test_nobody_else_comes_in",
    ),
    (
        "any site's page gets the console",
        SERVER,
        "if origin is not None and origin not in request.app[ORIGINS]:",
        "if origin == request.app[TOKEN]:",
        f"{WEB}::test_no_other_sites_page_gets_the_console",
    ),
    (
        "a web socket without an Origin comes in",
        SERVER,
        'if origin is None and request.headers.get("Upgrade"):',
        'if origin is None and request.headers.get("Downgrade"):',
        f"{WEB}::test_no_other_sites_page_gets_the_console",
    ),
    (
        "the page is served on every address of the machine",
        SERVER,
        "site = web.TCPSite(runner, ADDRESS, port)",
        'site = web.TCPSite(runner, "0.0.0.0", port)',
        f"{WEB}::test_it_listens_on_loopback_only",
    ),
    (
        "the drawing stays as it was",
        SESSION,
        "        if found != self.snapshot:\n",
        "        if self.snapshot is None:\n",
        f"{WEB}::test_what_a_line_changes_is_marked_and_two_tabs_see_it",
    ),
    (
        "changes are shown against the boot",
        SESSION,
        "            self.before = self.snapshot = self._read()\n",
        "            self.before = self.before or self._read()\n",
        f"{WEB}::test_what_a_line_changes_is_marked_and_two_tabs_see_it",
    ),
    (
        "a tab that closes takes the machine along",
        SERVER,
        "        session.leave(tab)\n",
        "        session.leave(tab)\n        session.guest.process.kill()\n",
        f"{WEB}::test_a_tab_that_closes_in_the_middle_takes_nothing_along",
    ),
    (
        "a part of the token is as good as all of it",
        SERVER,
        "if not hmac.compare_digest(",
        "if not request.app[TOKEN].startswith(token) and not hmac.compare_digest(",
        f"{WEB}::test_tokens_are_compared_in_a_time_that_says_nothing",
    ),
    (
        "an answer of QEMU's hides that the page was ended",
        "tools/live_page/guest.py",
        """            async with asyncio.timeout(ANSWER_S):
                said = await self.qmp.execute("human-monitor-command", {"command-line": "info registers"})
""",
        """            asked = self.qmp.execute("human-monitor-command", {"command-line": "info registers"})
            said = await asyncio.wait_for(asked, ANSWER_S)
""",
        f"{ENDS}::test_an_answer_of_qemus_at_the_same_moment_does_not_hide_the_end",
    ),
    (
        "the end of the watcher is taken for that of the page",
        SESSION,
        "            await asyncio.wait([watcher])",
        """            try:
                await watcher
            except asyncio.CancelledError:
                pass
            await asyncio.sleep(0)""",
        f"{ENDS}::test_a_machine_that_ends_at_the_same_moment_does_not_hide_the_end",
    ),
    (
        "tabs that do not listen are waited for, one after the other",
        SERVER,
        "        _, unheard = await asyncio.wait(goodbyes, timeout=GOODBYE_S)\n",
        "        _, unheard = await asyncio.wait(goodbyes)\n",
        f"{ENDS}::test_a_tab_that_does_not_listen_is_not_waited_for",
    ),
    (
        "owners of before are taken for those of now",
        SESSION,
        """            self._say("busy")
            self._owners_are(False)
""",
        """            self._say("busy")
""",
        f"{WEB}::test_a_busy_kernels_tables_are_seen_as_they_change",
    ),
    (
        "a closed terminal leaves the page running",
        "tools/view.py",
        "(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)",
        "(signal.SIGINT, signal.SIGTERM)",
        f"{WEB}::test_a_terminal_that_is_closed_ends_the_page_and_the_machine",
    ),
    (
        "what the kernel says of owners is taken as it comes",
        PROMPT,
        "        if not is_ownership(found):\n",
        "        if found is None:\n",
        f"{ASKED}::test_what_a_user_has_the_kernel_say_instead_is_refused",
    ),
    (
        "the bits of an entry that is not present mean something",
        TABLES,
        "    if not raw & PRESENT:\n        found = [",
        "    if not raw:\n        found = [",
        f"{WALKED}::test_entries_of_every_kind_say_what_the_kernels_walk_says",
    ),
    (
        "a frame behind the CPU's addresses is as good as others",
        TABLES,
        "is_malformed = is_present and page_walk.is_malformed(raw, at, physical_bits, True)",
        "is_malformed = is_present and page_walk.is_malformed(raw, at, 52, True)",
        f"{WALKED}::test_entries_of_every_kind_say_what_the_kernels_walk_says",
    ),
    (
        "RAM above 4 GiB begins there on every machine",
        "tools/machine.py",
        "    return TIB if end + PCI_HOLE > HYPERTRANSPORT else FOUR_GIB\n",
        "    return FOUR_GIB\n",
        "tests/boot/test_amounts_of_ram.py::"
        "test_what_lies_at_the_end_of_terabytes_is_owned_mapped_and_audited_like_all_else",
    ),
    (
        "the terminal keeps the keyboard",
        f"{PAGE}/page.js",
        'event.key === "Tab" && event.shiftKey',
        'event.key === "Tab" && event.altKey',
        f"{BROWSER}::test_the_keyboard_alone_reaches_every_entry_and_keeps_its_place",
    ),
    (
        "a tab hears only what it has typed itself",
        SESSION,
        "        for tab in self.tabs:\n            tab.show(data)\n",
        "        for tab in list(self.tabs)[:1]:\n            tab.show(data)\n",
        f"{WEB}::test_what_a_line_changes_is_marked_and_two_tabs_see_it",
    ),
    (
        "the question for owners is on the screen",
        PROMPT,
        "            self._heard.set()\n            return\n",
        "            self._heard.set()\n",
        f"{WEB}::test_owners_come_without_disturbing_who_types",
    ),
    (
        "what is typed while the kernel answers is lost",
        PROMPT,
        "        if held:\n            self.type(held)\n",
        "",
        f"{ASKED}::test_an_answer_leaves_the_screen_alone_and_what_was_typed_meanwhile_comes_after_it",
    ),
    (
        "the kernel is asked with half a line at its prompt",
        PROMPT,
        "self.at_prompt and not self._typed_since and",
        "self._tail[-1:] == b' ' and",
        f"{WEB}::test_half_a_line_and_what_a_program_reads_are_left_alone",
    ),
    (
        "a machine that has ended takes what is typed",
        SESSION,
        'if self.state in ("starting", "ended"):',
        'if self.state == "starting":',
        f"{WEB}::test_after_a_panic_the_tables_are_there_and_a_new_machine_can_be_started",
    ),
    (
        "the host's walk forgets what the levels above forbid",
        TABLES,
        "        rights = combined(above, word)\n        frame",
        "        rights = combined(WRITABLE_WORD | USER_WORD, word)\n        frame",
        "tests/view/test_tables.py::test_the_hosts_snapshot_is_the_kernels",
    ),
    (
        "the host follows the recursive slot",
        TABLES,
        "if level == self.levels and index in RECURSIVE:",
        "if level == self.levels and index in RECURSIVE[1:]:",
        "tests/view/test_tables.py::test_the_hosts_snapshot_is_the_kernels",
    ),
    (
        "of tables that lead to themselves more are walked than can be drawn",
        TABLES,
        "if self.runs >= MOST_RUNS:",
        "if self.runs >= MOST_RUNS * 4:",
        "tests/view/test_tables.py::test_tables_that_lead_to_themselves_or_to_no_ram_come_to_an_end",
    ),
    (
        "a click shows the first entry of a run",
        f"{PAGE}/drawing.js",
        "BigInt(`0x${page}`) + BigInt(index) *",
        "BigInt(`0x${page}`) + 0n *",
        f"{BROWSER}::test_a_click_shows_the_entry_below_it_and_not_the_first_of_its_run",
    ),
    (
        "a new drawing is shown whole again",
        f"{PAGE}/drawing.js",
        "if (this.box === null) this.whole();",
        "if (this.box !== undefined) this.whole();",
        f"{BROWSER}::test_wheel_and_drag_and_keys_move_the_drawing",
    ),
    (
        "a lost connection stays lost",
        f"{PAGE}/page.js",
        "if (!isOver) setTimeout(connect, AGAIN_MS);",
        "",
        f"{BROWSER}::test_a_lost_connection_is_made_anew",
    ),
    (
        "letters of the night's drawing are as by day",
        DRAWING,
        "--ink:#e6e6e6;",
        "--ink:#111;",
        f"{BROWSER}::test_it_fits_its_window_by_day_and_night",
    ),
    (
        "the bar of RAM ends at the last frame that anybody had",
        DRAWING,
        'max(last for _, last in snapshot["ram"]) + 1',
        'max(run[2] for table in snapshot["tables"] for run in table["runs"]) + 1',
        f"{PICTURES}::test_the_bar_of_ram_ends_where_ram_ends_and_has_its_holes",
    ),
    (
        "leaves over nothing are coloured like others",
        DRAWING,
        "        if sum(last - first + 1 for first, last in in_ram) != frames:\n",
        "        if not in_ram:\n",
        f"{PICTURES}::test_leaves_over_nothing_are_drawn_so_and_have_no_band",
    ),
    (
        "what is joined with something new is new",
        DRAWING,
        "if end == count or news[end] != news[start]:",
        "if end == count:",
        f"{PICTURES}::test_what_is_new_is_marked_and_not_what_it_is_joined_with",
    ),
    (
        "what is gone is not marked",
        DRAWING,
        "for index in sorted(set(before) - have):",
        "for index in sorted(have - set(before)):",
        f"{PICTURES}::test_what_is_new_is_marked_and_not_what_it_is_joined_with",
    ),
    (
        "what is new and touches has an outline each",
        DRAWING,
        "if found and top - found[-1][1] < 1:",
        "if found and top < found[-1][1] - 1:",
        f"{PICTURES}::test_new_entries_that_touch_have_one_outline_and_no_sign_hides_another",
    ),
    (
        "signs of changes hide each other",
        DRAWING,
        "has_room = top + height / 2 >= free",
        "has_room = top + height / 2 >= y",
        f"{PICTURES}::test_nothing_crosses_a_label",
    ),
    (
        "labels of RAM are at eighths of it",
        DRAWING,
        "        step *= 2\n",
        "        step = self.end_of_ram // 7\n",
        f"{PICTURES}::test_labels_of_ram_are_round",
    ),
    (
        "curves are drawn over the labels",
        DRAWING,
        "*self.bands, *self.shapes, *self.marks, *self.labels,",
        "*self.labels, *self.bands, *self.shapes, *self.marks,",
        f"{PICTURES}::test_nothing_crosses_a_label",
    ),
    (
        "a live picture leaves the one before on the screen",
        "kernel/shell/live.py",
        "sys.stdout.write(UP % drawn + CLEAR)",
        "sys.stdout.write(CLEAR)",
        "tests/shell/test_screens.py::test_a_live_picture_stays_in_its_place_on_the_screen",
    ),
    (
        "what an interrupted demonstration had mapped stays",
        "kernel/shell/live.py",
        "        finally:\n            while kept:\n                kept.pop().drop()\n",
        "        finally:\n            NAMES['_kept'] = kept\n",
        "tests/shell/test_shown_memory.py::test_ctrl_c_ends_a_live_picture_and_what_it_had_mapped_is_dropped",
    ),
    (
        "a window opens where there is no desktop",
        "tools/settings.py",
        'if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):',
        'if environment.get("DISPLAY") == "":',
        "tests/tools/test_settings.py",
    ),
    (
        "behind an entry with a reserved bit an owner has nothing",
        "kernel/diagnostics/census.py",
        "                after = (wrong | pages_at(error.level) - 1) + 1\n",
        "                after = end\n",
        "tests/shell/test_shown_memory.py::test_an_entry_with_a_reserved_bit_takes_no_picture_away",
    ),
    (
        "where no RAM is, the display shows an owner's colour",
        "kernel/diagnostics/screen.py",
        'if letter in " -":',
        'if letter == " ":',
        "tests/shell/test_shown_memory.py::test_every_letter_of_the_picture_on_the_display_can_be_read",
    ),
    (
        "letters on the display are darker than can be read",
        "kernel/diagnostics/screen.py",
        '"R": 0xE05050,',
        '"R": 0xA02020,',
        "tests/shell/test_shown_memory.py::test_every_letter_of_the_picture_on_the_display_can_be_read",
    ),
    (
        "the display's picture ends where the text does",
        "kernel/diagnostics/screen.py",
        "for height in range(display.height):",
        "for height in range(len(painted)):",
        "tests/shell/test_shown_memory.py::test_the_picture_on_the_display_is_seen_by_qemu",
    ),
]
