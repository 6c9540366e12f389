"""Small faults in `create_mapping_at`."""

MAPPER = "kernel/memory/mappings/mapper.py"
TABLE_FRAMES = "kernel/memory/mappings/table_frames.py"

CREATING = "kernel/memory/mappings/creating.py"

MUTANTS = [
    (
        "a refused create_mapping_at keeps the page",
        CREATING,
        "huge, override)\n        except BaseException:\n            if pages:\n                pages.drop()\n",
        "huge, override)\n        except BaseException:\n",
        "tests/memory/mappings/test_wished_address.py::test_a_refusal_gives_back_at_once_not_when_the_collector_comes",
    ),
    (
        "a refused create_mapping_at keeps the frame",
        CREATING,
        "                owner.drop()\n            raise\n        finally:\n",
        "                owner._state[RUN] = DEAD\n            raise\n        finally:\n",
        "tests/memory/mappings/test_wished_address.py::test_want_of_the_last_frame_leaves_everything_as_it_was",
    ),
    (
        "create_mapping_at fills holes of the kernel's half under an entry that was lent its tables",
        CREATING,
        "        if run >= 0 and not is_kernels:\n",
        "        if run >= 0:\n",
        "tests/attacks/test_kernel_in_use.py::test_under_an_entry_that_was_lent_the_kernels_table_it_is_the_kernel",
    ),
    (
        "create_mapping_at maps the lower half in the kernel's table",
        MAPPER,
        "return self._kernel if page >= UPPER_HALF_FIRST_PAGE else self\n",
        "return self._kernel\n",
        "tests/memory/mappings/test_wished_address.py::test_each_table_has_a_lower_half_of_its_own",
    ),
    (
        "create_mapping_at counts fewer owners of tables",
        TABLE_FRAMES,
        "not pool.count_owners(count - 1)",
        "not pool.count_owners(0)",
        "tests/memory/mappings/test_wished_address.py::test_owners_are_counted_as_they_come_and_go",
    ),
]
