# Clew: one command to a prompt (`make run`), one to proof (`make test`). `make help` lists the rest.

BUILD := build
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/clew
MICROPY_DIR ?= $(CACHE)/micropython-1.25.0
# A link to it, made once it is checked. This name has no space, wherever the source lies.
SOURCE := $(BUILD)/micropython
DIGESTS := tools/micropython-1.25.0.sha256
MPY_CROSS := $(BUILD)/mpy-cross/mpy-cross
MICROPYTHON := $(BUILD)/unix/micropython
PYTHON := .venv/bin/python
# What `make test` hands to pytest besides its defaults: make test ARGS='-k iso -x'
ARGS ?=

# make run BOOT=iso, BOOT=uefi: what they need besides.
BOOT_NEEDS = $(if $(filter iso uefi,$(BOOT)),$(BUILD)/kernel.iso) $(if $(filter uefi,$(BOOT)),packages-uefi)

# The release date of MicroPython 1.25.0: products carry no time of their own, so two builds are identical.
export SOURCE_DATE_EPOCH ?= 1744675200
export MICROPY_GIT_TAG := v1.25.0
export MICROPY_GIT_HASH := v1.25.0
export MICROPY_FROM
# A later make under -j already has a job server; otherwise use every CPU.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

## Building

.PHONY: all
all: $(BUILD)/kernel.elf $(BUILD)/kernel.iso ## Build the image: build/kernel.elf and build/kernel.iso

.PHONY: clean
clean: ## Remove what was built (the fetched source and .venv stay)
	@rm -rf $(BUILD)

## Running

.PHONY: run
run: settings $(BUILD)/kernel.elf $(BOOT_NEEDS) | packages-run ## Boot to the prompt in QEMU, on this terminal (OBJECTS='a.o b.o': files for /boot; DISK=FILE: a disk)
	@python3 tools/run.py run

.PHONY: debug
debug: settings $(BUILD)/kernel.elf | packages-run packages-debug ## Boot in QEMU, waiting for gdb
	@python3 tools/run.py debug

.PHONY: pty
pty: settings $(BUILD)/kernel.elf $(BOOT_NEEDS) .venv/ready | packages-run ## Boot with the console on a pty, for mpremote or Thonny
	@python3 tools/run.py pty

.PHONY: view
view: settings $(BUILD)/kernel.elf $(BOOT_NEEDS) .venv/ready | packages-run ## Boot with a page for a browser: the prompt, and the page tables as they are now (VIEW_PORT=8123)
	@$(PYTHON) tools/view.py

.PHONY: bochs
bochs: settings $(BUILD)/kernel.iso | packages-bochs ## Boot to the prompt in Bochs, an MMU that is not QEMU's
	@python3 tools/run.py bochs

## Learning and teaching

.PHONY: lab
lab: settings $(BUILD)/kernel.elf .venv/ready | packages-run ## Run a student's file on a fresh machine, with a time limit (FILE=mine.py ARGS='--limit 60')
	@$(PYTHON) tools/lab.py $(ARGS) -- "$$FILE"

.PHONY: grade
grade: settings $(BUILD)/kernel.elf .venv/ready | packages-run ## Grade students' files of a lab of docs/labs (LAB=copy_on_write FILE=mine.py ARGS='--junit FILE --summary')
	@$(PYTHON) tools/grade.py $(ARGS) -- "$$LAB"

.PHONY: handout
handout: settings $(BUILD)/kernel.elf .venv/ready ## Make build/handout: the labs without solutions, with a kernel, for students; and build/handout.tar.gz
	@$(PYTHON) tools/handout.py

.PHONY: answers
answers: settings $(BUILD)/kernel.elf .venv/ready | packages-run ## Print the answers to the exercises of the prompt (SEEDS=1-200 ARGS='--exercise 3 --csv FILE')
	@$(PYTHON) tools/answers.py $(ARGS)

## Checking

.PHONY: test
test: settings all $(MICROPYTHON) .venv/notebook .venv/docs | packages-run packages-uefi packages-bochs packages-debug ## Run the tests (ARGS='...' goes to pytest)
	@$(PYTHON) -m pytest $(or $(ARGS),--junitxml=$(BUILD)/tests.xml)

.PHONY: test-micropython
test-micropython: $(BUILD)/kernel.elf .venv/ready | packages-run ## Run MicroPython's own tests on the kernel
	@$(PYTHON) tools/micropython_tests.py

.PHONY: matrix
matrix: $(BUILD)/kernel.elf $(BUILD)/kernel.iso .venv/ready | packages-run packages-bochs ## Try every page right on the MMU against the SDM (ARGS='--seed 7 --machine bochs --junit FILE')
	@$(PYTHON) tools/matrix.py $(or $(ARGS),--json $(BUILD)/matrix.json)

.PHONY: bench
bench: $(BUILD)/kernel.elf .venv/ready | packages-run ## Count guest instructions of the bench rows (ARGS='--compare A B')
	@$(PYTHON) tools/bench.py $(ARGS)

.PHONY: bench-boot
bench-boot: all .venv/ready | packages-run packages-uefi ## Measure boot times: PVH, ISO, UEFI (medians)
	@$(PYTHON) tools/bench_boot.py $(ARGS)

.PHONY: numbers
numbers: ## Write what the last whole runs said into README.md and CHANGELOG.md (ARGS=--check only looks)
	@python3 tools/numbers_of_runs.py $(ARGS)

.PHONY: picture
picture: $(BUILD)/kernel.elf .venv/ready | packages-run ## Draw a live kernel's page tables: build/picture.svg (ARGS='--help')
	@$(PYTHON) tools/picture.py $(ARGS)

.PHONY: notebook
notebook: $(BUILD)/kernel.elf .venv/notebook | packages-run ## Run the example notebook on a fresh machine: build/notebook.ipynb
	@$(PYTHON) tools/notebook.py

.PHONY: docs
docs: all .venv/docs | packages-run ## Make the book: type its chapters on a fresh machine, write the site build/site (ARGS=--site: that only)
	@$(PYTHON) tools/book.py $(ARGS)

.PHONY: fuzz
fuzz: $(BUILD)/kernel.elf .venv/ready | packages-run ## Run random programs over mappings against a model (SEED=1 N=200000); hostile ones: make storms
	@$(PYTHON) tools/fuzz.py --seed '$(or $(SEED),1)' --operations '$(or $(N),50000)' $(ARGS)
	@$(PYTHON) tools/fuzz_objects.py --seed '$(or $(SEED),1)' --files '$(or $(FILES),20000)'

.PHONY: fuzz-objects
fuzz-objects: $(BUILD)/kernel.elf .venv/ready | packages-run ## Load damaged object files (SEED=1 FILES=20000); `make fuzz` does it, too
	@$(PYTHON) tools/fuzz_objects.py --seed '$(or $(SEED),1)' --files '$(or $(FILES),20000)' $(ARGS)

.PHONY: storms
storms: $(BUILD)/kernel.elf .venv/ready | packages-run ## Attack the kernel at random: malformed calls and storms (SEED=1 N=200000 CALLS=15000 ARGS='--kind views')
	@$(PYTHON) tools/storms.py --seed '$(or $(SEED),1)' --operations '$(or $(N),200000)' --calls '$(or $(CALLS),15000)' $(ARGS)

.PHONY: kills
kills: $(BUILD)/kernel.elf .venv/ready | packages-run ## Kill the machine amid paging to a disk, and judge the disk (SEED=1 N=50)
	@$(PYTHON) tools/kills.py --seed '$(or $(SEED),1)' --kills '$(or $(N),50)' $(ARGS)

.PHONY: replacement
replacement: $(BUILD)/kernel.elf .venv/ready | packages-run ## Judge every page replacement policy against its textbook (ARGS='--policy clock --references 200000 --seed 7')
	@$(PYTHON) tools/replacement.py $(or $(ARGS),--json $(BUILD)/replacement.json)

.PHONY: litmus
litmus: $(BUILD)/kernel.elf $(BUILD)/kernel.iso .venv/ready | packages-run packages-bochs ## Run litmus tests for page tables: named ones, and all small ones (ARGS='--machine bochs --runs 9000 --seed 7')
	@$(PYTHON) tools/litmus.py $(or $(ARGS),--json $(BUILD)/litmus.json)

.PHONY: mutants
mutants: all $(MICROPYTHON) .venv/ready | packages-run packages-bochs ## Put small faults into copies and see that the tests notice each (ARGS='--only TEXT' or '--random 200 --seed 7')
	@$(PYTHON) tools/mutants.py $(or $(ARGS),--json $(BUILD)/mutants.json)

.PHONY: lint
lint: .venv/ready types ## Check the Python sources with ruff, and the types with pyright
	@$(PYTHON) -m ruff check && $(PYTHON) -m ruff format --check

.PHONY: types
types: .venv/types $(BUILD)/micropython-stubs/ready ## Check with pyright the kernel, the stubs of typings/ and the code of the book
	@$(PYTHON) tools/book_code.py && $(PYTHON) -m pyright

.PHONY: format
format: .venv/ready ## Format the Python sources with ruff
	@$(PYTHON) -m ruff check --fix-only && $(PYTHON) -m ruff format

.PHONY: doctor
doctor: ## Say what this machine has and lacks for each step
	@python3 tools/doctor.py

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Below: how it is made.

PACKAGES := packages-build packages-iso packages-run packages-uefi packages-bochs packages-debug packages-venv
.PHONY: $(PACKAGES) FORCE
$(PACKAGES): packages-%:
	@python3 tools/packages.py $*
FORCE:

# What a person set is checked first: nothing is built for a value that can't be meant.
.PHONY: settings
settings:
	@python3 tools/settings.py

# MICROPY_DIR is used as it is when a person gives it, and fetched when not.
.PHONY: source
source: | packages-build
	@$(if $(filter file,$(origin MICROPY_DIR)),python3 tools/fetch_micropython.py "$(MICROPY_DIR)" &&) \
		python3 tools/micropython_source.py use "$(MICROPY_DIR)" $(SOURCE)

# Each big step says its name once and keeps its chatter in a log; on failure the log's end is shown.
define quietly # (what it says, log, command)
	@echo 'clew: $(1) ...' >&2; mkdir -p $(dir $(2)); \
	$(3) > $(2) 2>&1 || { tail -n 40 $(2) >&2; echo 'clew: that failed; the whole log is in $(2)' >&2; exit 1; }
endef

# MicroPython's makefiles take no path with a space, so they run with a link to this folder, /tmp/clew-.../clew.
define made_by_upstream # (what it makes in $(BUILD), folder of the makefile, more variables)
	(set -e; at=$$(mktemp -d /tmp/clew-XXXXXX); trap 'rm -r "$$at"' EXIT; ln -s "$(CURDIR)" "$$at/clew"; \
	$(MAKE) $(JOBS) -C $(SOURCE)/$(2) BUILD="$$at/clew/$(BUILD)/$(1)" $(3))
endef

$(MPY_CROSS): $(DIGESTS) | source
	@rm -rf $(BUILD)/mpy-cross
	$(call quietly,building mpy-cross (about 10 s),$(BUILD)/mpy-cross.log,\
		$(call made_by_upstream,mpy-cross,mpy-cross,USER_C_MODULES=))
	@touch $@

$(MICROPYTHON): tools/unix_port/mpconfigvariant.h tools/unix_port/mpconfigvariant.mk $(DIGESTS) | source
	@rm -rf $(BUILD)/unix
	$(call quietly,building MicroPython for this machine (about 15 s),$(BUILD)/unix.log,\
		$(call made_by_upstream,unix,ports/unix,VARIANT_DIR="$$at/clew/tools/unix_port"))
	@touch $@

# The port's own makefile knows what the kernel depends on; asking it costs less than a second.
$(BUILD)/kernel.elf: $(MPY_CROSS) FORCE | source
	@[ -e $@ ] || echo 'clew: building the kernel (about 20 s) ...' >&2
	@mkdir -p $(BUILD); PYTHONWARNINGS=ignore $(MAKE) $(JOBS) -f port/port.mk MICROPY_DIR=$(SOURCE) \
		MICROPY_MPYCROSS=$(MPY_CROSS) BUILD=$(BUILD)/port IMAGE=$@ \
		> $(BUILD)/kernel.log || { tail -n 20 $(BUILD)/kernel.log >&2; echo 'clew: the kernel was not built' >&2; exit 1; }

$(BUILD)/kernel.iso: $(BUILD)/kernel.elf boot/grub.cfg tools/make_iso.py LICENCES.md | packages-iso
	@python3 tools/make_iso.py --kernel $< --config boot/grub.cfg --output $@ --file LICENCES.md=LICENCES.md

# It knows by absolute paths where it lies and which Python it has, so both are written in it: a checkout that was moved
# or copied, or a machine with a new Python, makes another.
VENV_HERE = $(realpath .venv) $(realpath $(PYTHON))
ifneq ($(strip $(file <.venv/ready)),$(strip $(VENV_HERE)))
.venv/ready: FORCE
endif
.venv/ready: requirements.txt | packages-venv
	@echo 'clew: installing the Python packages of requirements.txt into .venv (about 15 s) ...' >&2
	@rm -rf .venv && python3 -m venv .venv
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -r requirements.txt || \
		{ echo 'clew: pip failed (see above): check the network and run the same command again' >&2; exit 1; }
	@echo "$$(realpath .venv) $$(realpath $(PYTHON))" > $@

.venv/notebook: requirements-notebook.txt .venv/ready
	@echo 'clew: installing what the example notebook needs into .venv (about 30 s) ...' >&2
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -r requirements-notebook.txt || \
		{ echo 'clew: pip failed (see above): check the network and run the same command again' >&2; exit 1; }
	@touch $@

.venv/docs: requirements-docs.txt .venv/ready
	@echo 'clew: installing what the book needs into .venv (about 20 s) ...' >&2
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -r requirements-docs.txt || \
		{ echo 'clew: pip failed (see above): check the network and run the same command again' >&2; exit 1; }
	@touch $@

.venv/types: requirements-types.txt .venv/ready
	@echo 'clew: installing pyright into .venv (about 20 s) ...' >&2
	@$(PYTHON) -m pip install -qq --disable-pip-version-check -r requirements-types.txt || \
		{ echo 'clew: pip failed (see above): check the network and run the same command again' >&2; exit 1; }
	@touch $@

# A folder for pyright alone: in .venv they would hide Python's own modules from other tools.
$(BUILD)/micropython-stubs/ready: requirements-stubs.txt .venv/ready
	@rm -rf $(@D)
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps --target $(@D) -r requirements-stubs.txt || \
		{ echo 'clew: pip failed (see above): check the network and run the same command again' >&2; exit 1; }
	@touch $@
