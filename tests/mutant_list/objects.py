"""Small faults in the region for loaded objects, and in the loader."""

TAKING = "kernel/memory/runs/taking.py"
ARENAS = "kernel/memory/allocators/arenas.py"
REGION = "tests/memory/allocators/test_region_for_objects.py"

MUTANTS = [
    (
        "a request that names nothing is served from the region for loaded objects",
        TAKING,
        "    if start >= (nil[_END] | nil[_END + 1] << 32):\n        return _NOT_FREE\n",
        "",
        f"{REGION}::test_who_names_nothing_is_refused_when_the_pool_is_used_up",
    ),
    (
        "a refusal counts the region for loaded objects as free to all",
        ARENAS,
        "        if longest and find(",
        "        if not longest and find(",
        f"{REGION}::test_who_names_nothing_is_refused_when_the_pool_is_used_up",
    ),
]
