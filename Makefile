# Wave. `make help` lists the targets; everything built lies under build/.
#
#   build/KIND/...      objects and generated sources (gen/) of one kind of build
#   build/bin build/lib commands and libraries; build/san/{bin,lib} when SAN=1
#
# Sources are found by folder. x.l gives gen/FOLDER/x.lex.[ch], x.y gives
# gen/FOLDER/x.tab.[ch], included as "FOLDER/x.lex.h" and "FOLDER/x.tab.h";
# the ONNX schema gives "onnx.pb-c.h".
#
#   make CC=clang       another compiler        make WERROR=1  warnings are errors
#   make SAN=1 ...      address and undefined behaviour sanitizers
#   make V=1            show commands           make T=PATTERN test   some tests
#   KIND=NAME           keep another set of objects under build/NAME

ifeq ($(origin CC),default)
CC := gcc
endif
CXX_CHECK ?= $(firstword $(shell command -v g++ clang++ c++))
PREFIX    ?= /usr/local
PROTO_DIR ?= /usr/include
PROTO     := onnx/onnx.proto

ifeq ($(SAN),1)
KIND ?= san
OUT  := build/$(KIND)
else
KIND ?= opt
OUT  := build/$(if $(filter opt,$(KIND)),,$(KIND))
endif
O   := build/$(KIND)
G   := $(O)/gen
BIN := $(OUT:/=)/bin
LIB := $(OUT:/=)/lib

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wundef -Wvla -Wformat=2 -Wcast-qual -Wpointer-arith \
	-Wwrite-strings -Wdouble-promotion -Wimplicit-fallthrough \
	-Wnull-dereference -Wredundant-decls -Wnested-externs -Wunused-macros
OPTIMIZE := -O2 -g
ifeq ($(SAN),1)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
LDLIBS   := -lprotobuf-c -lelf -linih -lz -lcjson -lm -lpthread
BASE     := -std=c11 -D_POSIX_C_SOURCE=200809L -I. -Iinclude -I$(G) -I$(G)/onnx
# One rounding per operation: contracting a * b + c would change results.
CFLAGS   += $(OPTIMIZE) -ffp-contract=off $(SANFLAGS)
WFLAGS   := $(WARN) $(if $(filter 1,$(WERROR)),-Werror)
LDFLAGS  += $(SANFLAGS)
Q := $(if $(filter 1,$(V)),,@)

# --- sources ---------------------------------------------------------------

FOLDERS := support frontend ir passes backend backend/isa runtime runtime/sim
lex_c    = $(patsubst %.l,$(G)/%.lex.c,$(wildcard $(1)/*.l))
yacc_c   = $(patsubst %.y,$(G)/%.tab.c,$(wildcard $(1)/*.y))
objects  = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)/*.c)) \
	   $(patsubst $(G)/%.c,$(O)/gen/%.o,$(call lex_c,$(1)) $(call yacc_c,$(1)))

PB      := $(G)/$(PROTO:.proto=.pb-c)
GEN_H   := $(PB).h $(foreach d,$(FOLDERS),$(patsubst %.c,%.h,\
	   $(call lex_c,$(d)) $(call yacc_c,$(d))))
OBJ_support  := $(call objects,support)
OBJ_compiler := $(foreach d,frontend ir passes backend,$(call objects,$(d))) \
		$(O)/gen/$(PROTO:.proto=.pb-c.o) $(O)/gen/backend/targets.o
OBJ_isa      := $(call objects,backend/isa)
OBJ_runtime  := $(call objects,runtime)
OBJ_sim      := $(call objects,runtime/sim)
OBJ_all      := $(OBJ_support) $(OBJ_compiler) $(OBJ_isa) $(OBJ_runtime) \
		$(OBJ_sim)

COMMANDS  := $(patsubst tools/%.c,$(BIN)/%,$(wildcard tools/wave*.c))
LIBRARIES := $(LIB)/libwave.a $(LIB)/libwaverun.a $(LIB)/libwavesim.a

# tests/lib is shared by all; every other C file under tests/ is a program.
TESTLIB   := $(patsubst %.c,$(O)/%.o,$(wildcard tests/lib/*.c))
FUZZERS   := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))
UNITS     := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*/test_*.c))
PROGRAMS  := $(patsubst %.c,$(O)/%,$(filter-out tests/lib/% tests/fuzz/%,\
	     $(wildcard tests/*/*.c)))
OBJ_tools := $(patsubst $(BIN)/%,$(O)/tools/%.o,$(COMMANDS))
# What the commands share: every other file of tools/.
TOOLLIB   := $(patsubst %.c,$(O)/%.o,$(filter-out $(wildcard tools/wave*.c),\
	     $(wildcard tools/*.c)))

# --- rules -----------------------------------------------------------------

.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all programs test deps demo demo-inference bench fuzz repro docs format \
	check-layers install clean help bless FORCE

# Builds on all cores unless told otherwise; not when cleaning as well.
ifeq ($(MAKELEVEL)$(filter -j% clean,$(MAKEFLAGS) $(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

all: $(COMMANDS) $(LIBRARIES) ## commands and libraries (the default)

# Objects depend on the compiler and its flags through this file.
SETTINGS := $(CC) $(CPPFLAGS) $(CFLAGS) $(WFLAGS) $(LDFLAGS)
$(O)/settings: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(SETTINGS)' | cmp -s - $@ || \
	printf '%s\n' '$(SETTINGS)' >$@

COMPILE = $(CC) $(BASE) $(CPPFLAGS) $(CFLAGS) $(ARCH) -MMD -MP -c -o $@
$(O)/%.o: %.c $(O)/settings | $(GEN_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(COMPILE) $(WFLAGS) $<

$(O)/gen/%.o: $(G)/%.c $(O)/settings | $(GEN_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(COMPILE) -w $<

# The array kernels are built per instruction set and chosen at run time. No
# loop of theirs or of the weights' initialisers sets errno or traps; saying so
# lets the compiler vectorise them and changes no result.
KERNEL := -O3 -fno-math-errno -fno-trapping-math
$(O)/runtime/sim/kernel_portable.o: ARCH := $(KERNEL)
$(O)/frontend/init.o: ARCH := $(KERNEL)
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
$(O)/runtime/sim/kernel_avx2.o: ARCH := $(KERNEL) -mavx2 -mfma -mf16c
$(O)/runtime/sim/kernel_avx512.o: ARCH := $(KERNEL) -mavx512f -mavx512bw \
	-mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512
endif

$(G)/%.lex.c $(G)/%.lex.h: %.l
	@mkdir -p $(@D)
	$(if $(Q),@echo "  FLEX  $<")
	$(Q)flex --header-file=$(basename $@).h -o $(basename $@).c $<

$(G)/%.tab.c $(G)/%.tab.h: %.y
	@mkdir -p $(@D)
	$(if $(Q),@echo "  BISON $<")
	$(Q)bison -Wall -Werror --header=$(basename $@).h \
	    -o $(basename $@).c $<

$(PB).c $(PB).h &: $(PROTO_DIR)/$(PROTO)
	@mkdir -p $(G)
	$(if $(Q),@echo "  PROTO $<")
	$(Q)protoc-c -I$(PROTO_DIR) --c_out=$(G) $<

# Built-in targets travel in the compiler.
TARGETS := $(sort $(wildcard backend/targets/*.ini))
$(G)/backend/targets.c: backend/targets/embed.sh $(TARGETS)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  EMBED $@")
	$(Q)sh backend/targets/embed.sh $(TARGETS) >$@

$(PROTO_DIR)/$(PROTO):
	@echo "$@ is missing: install libonnx-dev (make deps)" >&2; false

# A list of members as a file, so that a removed source leaves the archive.
$(O)/wave.list: LIST := $(OBJ_all)
$(O)/testlib.list: LIST := $(TESTLIB)
$(O)/toollib.list: LIST := $(TOOLLIB)
$(O)/%.list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIST)' | cmp -s - $@ || echo '$(LIST)' >$@

# Commands and tests link against everything.
$(O)/%.a: $(O)/%.list
	@rm -f $@
	$(Q)$(AR) rcsTD $@ $(filter %.o,$^)
$(O)/wave.a: $(OBJ_all)
$(O)/testlib.a: $(TESTLIB)

define LINK
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK  $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
endef
$(O)/toollib.a: $(TOOLLIB)
$(COMMANDS): $(BIN)/%: $(O)/tools/%.o $(O)/toollib.a $(O)/wave.a
	$(LINK) $(LDLIBS)

# A test that replaces library functions names them: /* wrap: calloc */
wrap = $(patsubst %,-Wl$(comma)--wrap=%,$(shell \
	sed -n 's|^/\* wrap: \(.*\) \*/|\1|p' $(@:$(O)/%=%).c))
comma := ,
$(UNITS) $(PROGRAMS): %: %.o $(O)/testlib.a $(O)/toollib.a $(O)/wave.a
	$(LINK) $(wrap) -lcmocka $(LDLIBS)

$(FUZZERS): %: %.o $(O)/tests/fuzz/driver.o $(O)/testlib.a $(O)/wave.a
	$(LINK) $(LDLIBS)

# A public library exports nothing but wave_*: it is linked into one object
# and all other names are made local. PUBLIC(exported from, needed, weak).
# objcopy wants a name in each list.
exports = $(if $(strip $(1)),nm -g --defined-only $(1),:) | \
	awk '$$3 ~ /^wave_/ { print $$3 } END { print "wave_" }'
define PUBLIC
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LIB   $@")
	$(Q)$(CC) -r -nostdlib -o $(O)/$*.o $(1) $(3) $(2)
	$(Q)$(call exports,$(1) $(3)) >$(O)/$*.keep
	$(Q)$(call exports,$(3)) >$(O)/$*.weak
	$(Q)objcopy --keep-global-symbols=$(O)/$*.keep \
	    --weaken-symbols=$(O)/$*.weak $(O)/$*.o
	@rm -f $@
	$(Q)$(AR) rcsD $@ $(O)/$*.o
endef
$(LIB)/libwave.a: $(LIB)/%.a: $(OBJ_support) $(OBJ_compiler) $(OBJ_isa)
	$(call PUBLIC,$(OBJ_compiler) $(OBJ_isa),$(OBJ_support),)
$(LIB)/libwaverun.a: $(LIB)/%.a: $(OBJ_support) $(OBJ_runtime)
	$(call PUBLIC,$(OBJ_runtime),$(OBJ_support),)
# The instruction table is also in libwave: weak here, so both may be linked.
$(LIB)/libwavesim.a: $(LIB)/%.a: $(OBJ_support) $(OBJ_runtime) $(OBJ_isa) \
    $(OBJ_sim)
	$(call PUBLIC,$(OBJ_sim),$(OBJ_support) $(OBJ_runtime),$(OBJ_isa))

# --- targets ---------------------------------------------------------------

export BIN LIB T CC SAN REPRO
export OBJ := $(O)

deps: ## checks that the Debian packages are there, installs them if root
	@tests/tools/deps.sh

programs: all $(UNITS) $(PROGRAMS) $(FUZZERS) # everything the tests need

test: ## all tests, or with T=PATTERN those whose name holds PATTERN
	@tests/tools/deps.sh
	@$(MAKE) --no-print-directory programs
	@tests/tools/run-all.sh

bless: programs ## rewrites the expected output of the filetests (T=PATTERN)
	@tests/tools/filetest.sh --bless

demo: ## trains a small CNN on the simulator
	@tests/tools/deps.sh
	@$(MAKE) --no-print-directory all
	@examples/train.sh

demo-inference: ## compiles and runs a small real network
	@tests/tools/deps.sh
	@$(MAKE) --no-print-directory all
	@examples/demo.sh

bench: programs ## measures the tools and the code they make
	@tests/bench/run.sh

repro: programs ## reproduces the published numbers, or with REPRO=NAME some
	@tests/repro/run.sh

fuzz: ## fuzzes with AFL++ for FUZZ_SECONDS (60) a target
	@$(MAKE) --no-print-directory KIND=fuzz SAN=1 CC=afl-clang-fast programs
	@OBJ=build/fuzz tests/fuzz/run.sh

docs: programs ## rewrites the documents that are generated
	@tests/tools/docs.sh

format: ## clang-format over all C sources
	clang-format -i $$(git ls-files '*.c' '*.h')

check-layers: ## who includes whom, against tests/layers.txt
	@tests/tools/layers.sh

install: all ## DESTDIR= PREFIX=
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib \
	    $(DESTDIR)$(PREFIX)/include/wave $(DESTDIR)$(PREFIX)/share/man/man1
	$(if $(COMMANDS),install $(COMMANDS) $(DESTDIR)$(PREFIX)/bin)
	install -m 644 $(LIBRARIES) $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(wildcard include/wave/*) \
	    $(DESTDIR)$(PREFIX)/include/wave
	$(if $(wildcard tools/*.1),install -m 644 $(wildcard tools/*.1) \
	    $(DESTDIR)$(PREFIX)/share/man/man1)

clean: ## removes build/
	rm -rf build

help:
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' \
	    Makefile

-include $(patsubst %.o,%.d,$(OBJ_all) $(TESTLIB) $(OBJ_tools) $(TOOLLIB) \
	$(O)/tests/fuzz/driver.o) $(addsuffix .d,$(UNITS) $(PROGRAMS) $(FUZZERS))
