"""Small faults in `create_mapping_at`."""

MAPPER = "kernel/memory/mappings/mapper.py"
TABLE_FRAMES = "kernel/memory/mappings/table_frames.py"
WISHED_TESTS = "tests/memory/mappings/test_wished_address.py"

MUTANTS = [
    (
        "a refused create_mapping_at keeps the page",
        MAPPER,
        "huge, override)\n        except BaseException:\n            if pages:\n                pages.drop()\n",
        "huge, override)\n        except BaseException:\n",
        WISHED_TESTS,
    ),
    (
        "a refused create_mapping_at keeps the frame",
        MAPPER,
        "                owner.drop()\n            raise\n        finally:\n",
        "                owner._state[RUN] = DEAD\n            raise\n        finally:\n",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at maps the lower half in the kernel's table",
        MAPPER,
        "return self._kernel if page >= UPPER_HALF_FIRST_PAGE else self\n",
        "return self._kernel\n",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at counts fewer owners of tables",
        TABLE_FRAMES,
        "runs.add_owners(tree, count - 1)",
        "runs.add_owners(tree, 0)",
        WISHED_TESTS,
    ),
]
