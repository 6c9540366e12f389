# Builds $(BUILD)/kernel.elf out of MicroPython's tree ($(MICROPY_DIR), unchanged), port/, boot/ and kernel/.
# Run by the Makefile at the top, from there; needs MICROPY_DIR, MICROPY_MPYCROSS and BUILD.

MICROPY_DIR ?= $(error MICROPY_DIR is not set: run make at the top)
# What changes when another MicroPython is taken.
MICROPY_DIGESTS = $(wildcard tools/micropython-*.sha256)
IMAGE ?= build/kernel.elf
BUILD ?= build/port

CSUPEROPT = -O2
FROZEN_MANIFEST = port/manifest.py
# The libraries of micropython-lib are not in the tree; nothing is required from there.
MPY_LIB_DIR = $(BUILD)/no-micropython-lib
# 63-bit small ints, or every address mask would be frozen as a big one; x64 for native and viper.
MPY_CROSS_FLAGS += -march=x64 -msmall-int-bits=63
MPY_TOOL_FLAGS += -mmpz-dig-size=32

QSTR_DEFS = port/qstrdefsport.h
MICROPY_VFS_FAT = 1
MICROPY_VFS_LFS2 = 1
MICROPY_ROM_TEXT_COMPRESSION = 1

# What `help` says of public names: the manifest freezes it beside the kernel.
MICROPY_MANIFEST_HELP_DIR = $(BUILD)/help

include $(MICROPY_DIR)/py/mkenv.mk
include $(TOP)/py/py.mk
include $(TOP)/extmod/extmod.mk

vpath mpconfigport.h port
INC += -Iport/runtime/include -Iport -I. -Iboot -I$(TOP) -I$(BUILD)
CFLAGS += $(INC) -std=gnu11 -O2 -DNDEBUG -g -Wall -Werror -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wno-sign-compare -Wno-clobbered -Wno-unused-but-set-parameter -Wno-cast-function-type \
	-ffreestanding -fbuiltin -nostdlib -fno-pie -fno-pic -mno-red-zone -mcmodel=kernel -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE -fno-strict-aliasing -ffunction-sections \
	-fdata-sections -ffile-prefix-map='$(CURDIR)=.' $(CFLAGS_EXTRA)
CFLAGS_EXTMOD += -Wno-unused-parameter
ASFLAGS_KERNEL = -I. -Iboot -D__ASSEMBLER__
# Tab asks port/console/completion.c first, which asks MicroPython's own second; port/quick/ answers what is common.
LDFLAGS = --wrap=mp_repl_autocomplete --wrap=gc_alloc --wrap=gc_realloc --wrap=gc_free --wrap=m_malloc_fail \
	--wrap=mp_compile --wrap=mp_load_method --wrap=mp_load_super_method --wrap=mp_store_attr --wrap=mp_call_function_n_kw --wrap=mp_call_method_n_kw \
	--wrap=mp_setup_code_state --wrap=mp_obj_subscr --wrap=mp_find_frozen_module \
	--wrap=mp_handle_pending --wrap=mp_obj_new_module --wrap=mp_import_all --wrap=mp_obj_print_exception \
	--no-warn-rwx-segments -nostdlib -static -no-pie --gc-sections --build-id=none -z max-page-size=4096 -z noexecstack

# Each folder of port/ is a room; what lies there is compiled.
SRC_PORT = $(sort $(wildcard port/*.c port/*/*.c))
# Parts of files of MicroPython's, which include them.
SRC_INCLUDED = port/runtime/modmachine.c port/runtime/modos.c port/runtime/modtime.c
HEADERS = $(sort $(wildcard boot/*.h port/*.h port/*/*.h))
SRC_C += $(filter-out $(SRC_INCLUDED),$(SRC_PORT)) \
	shared/readline/readline.c \
	shared/runtime/gchelper_generic.c \
	shared/runtime/interrupt_char.c \
	shared/runtime/pyexec.c \
	shared/runtime/stdout_helpers.c \
	shared/runtime/sys_stdio_mphal.c \
	shared/timeutils/timeutils.c
SRC_LIBM = $(filter-out %thumb_vfp_sqrt.c,$(patsubst $(TOP)/%,%,$(wildcard $(TOP)/lib/libm_dbl/*.c)))
SRC_S = $(sort $(wildcard boot/*.S port/*/*.S))
SRC_QSTR += $(SRC_C)

OBJ = $(PY_O) $(addprefix $(BUILD)/,$(SRC_C:.c=.o) $(SRC_LIBM:.c=.o) $(SRC_S:.S=.o))
# Tab completes behind a space, too, where a command may stand: port/console/completion.c says where.
$(BUILD)/shared/readline/readline.o: CFLAGS += -Dunichar_isspace=completion_is_indented
$(BUILD)/port/runtime/libc.o: CFLAGS += -fno-builtin
# GCC would make one jump of the opcodes' many again, to save room: that costs 1 % of every act in Python.
$(BUILD)/py/vm.o: CFLAGS += -fno-crossjumping
# An exception that leaves a function goes by port/runtime/arguments.c, which names the argument that it is about.
$(BUILD)/py/objfun.o: CFLAGS += -Dnlr_jump=nlr_jump_out_of_function
$(addprefix $(BUILD)/,$(SRC_LIBM:.c=.o)): CFLAGS += -Wno-error -w

all: $(IMAGE)

# --- what is gone must leave the image: neither make nor MicroPython's scripts notice that a file is not there any more ---

# A file with a text, which is new when the text has changed.
differ = $(or $(subst x$(1),,x$(2)),$(subst x$(2),,x$(1)))
remember = $(if $(call differ,$(file <$(1)),$(2)),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))
$(call remember,$(BUILD)/sources,$(strip $(SRC_C) $(SRC_S)))
$(call remember,$(BUILD)/frozen_sources,$(sort $(shell find kernel -name '*.py')))

# --- how things are made is what they depend on, too: flags, whoever gave them, the compiler, and this file ---

FLAGS := $(subst $(CURDIR),.,$(strip $(CC) $(shell $(CC) -dumpfullversion -dumpmachine) $(CFLAGS) $(ASFLAGS_KERNEL) $(LD) $(LDFLAGS) \
	$(MPY_CROSS_FLAGS) $(MPY_TOOL_FLAGS)))
$(call remember,$(BUILD)/flags,$(FLAGS))
MANNER = $(BUILD)/flags port/port.mk $(MICROPY_DIGESTS)
$(OBJ) $(IMAGE): $(MANNER)
# makemanifest.py compiles anew what is newer than its .mpy, and asks no further.
$(BUILD)/frozen_anew: $(MANNER) $(MICROPY_MPYCROSS)
	$(Q)rm -rf $(BUILD)/frozen_mpy && touch $@

# Modules, root pointers, names and messages are collected file by file; a file that is gone, or has none any more, keeps
# its old ones. So all are collected anew when anything of ours changed, which takes half a second.
QSTR_GLOBAL_DEPENDENCIES += $(BUILD)/collected_anew
$(BUILD)/collected_anew: $(SRC_PORT) $(HEADERS) $(BUILD)/sources $(MANNER)
	$(Q)rm -rf $(addprefix $(HEADER_BUILD)/,qstr module root_pointer compress) && touch $@

$(BUILD)/%.o: %.S $(HEADERS)
	$(ECHO) "CC $<"
	$(Q)$(CC) $(ASFLAGS_KERNEL) -c -g -o $@ $<

$(BUILD)/kernel.ld: boot/kernel.ld boot/layout.h
	$(Q)$(CPP) -P -x assembler-with-cpp -Iboot -o $@ $<

$(IMAGE): $(OBJ) $(BUILD)/kernel.ld $(BUILD)/sources
	$(ECHO) "LINK $@"
	$(Q)$(LD) $(LDFLAGS) -T $(BUILD)/kernel.ld -o $(BUILD)/kernel.full.elf $(OBJ)
	$(Q)$(OBJCOPY) --strip-debug $(BUILD)/kernel.full.elf $@

$(MPY_LIB_DIR)/README.md:
	$(Q)mkdir -p $(@D) && touch $@
# MicroPython's makemanifest.py looks at the Python files that are there; the names (qstrs) that C uses are frozen in, too.
$(BUILD)/frozen_names: $(BUILD)/genhdr/qstrdefs.generated.h $(BUILD)/frozen_sources $(BUILD)/frozen_anew
	$(Q)rm -f $(BUILD)/frozen_content.c && touch $@
$(BUILD)/frozen_content.c: $(MPY_LIB_DIR)/README.md $(BUILD)/frozen_names help_texts
# It asks the sources, and writes nothing when they say the same.
.PHONY: help_texts
help_texts:
	$(Q)$(PYTHON) tools/help_texts.py $(BUILD)/help/help_texts.py

include $(TOP)/py/mkrules.mk
