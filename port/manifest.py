# What is frozen into the image: the kernel, as the root of imports, and asyncio from MicroPython's own tree,
# and the texts of `help`, which the build makes.
include("$(MPY_DIR)/extmod/asyncio")
freeze("$(PORT_DIR)/kernel")
freeze("$(HELP_DIR)")
