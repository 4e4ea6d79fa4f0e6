# SPDX-License-Identifier: BSD-2-Clause
# ptnet: `make help` lists the targets and settings.

B ?= build
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CFLAGS ?= -O2 -g
SAN ?=
V ?=
FUZZ_SECONDS ?= 60
KERNELS ?= $(or $(PTNET_KERNELS),$(B)/kernels)
KDIR ?= $(wildcard $(KERNELS)/6.1/build $(KERNELS)/6.12/build)
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
Q := $(if $(V),,@)
MAKEFLAGS += --no-builtin-rules

# --- How to compile -------------------------------------------------------

PKGS := yaml-0.1 sqlite3 libmicrohttpd jansson libnl-3.0 libnl-genl-3.0 \
	libsystemd libpcap
# Asked once, and only by who compiles: the packages may not be there yet.
once = $(eval $(1) := $$(shell $(2)))$($(1))
PKG_CFLAGS = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS))
PKG_LIBS = $(call once,PKG_LIBS,pkg-config --libs $(PKGS))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wvla -Wwrite-strings \
	-Wpointer-arith -Wundef -Wformat=2 -Wredundant-decls -Wnested-externs \
	-Winit-self
ifneq ($(findstring clang,$(CC)),)
WARN += -Wcomma -Wloop-analysis \
	-Wunreachable-code -Wbitfield-enum-conversion -Wshadow-all \
	-Wno-bitwise-instead-of-logical
else
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	-Wjump-misses-init
endif
HARDEN := -fstack-protector-strong -fPIC \
	$(if $(SAN)$(filter -O0,$(CFLAGS)),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	$(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))
CPPFLAGS += -D_GNU_SOURCE -DPTNET_VERSION='"$(VERSION)"' \
	-Ikmod/include/uapi -Ikmod -Ilib -Iptnetd
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -pthread
LDFLAGS += -pthread $(SANFLAGS) -Wl,--as-needed -Wl,-z,relro,-z,now

# The core finds its ptn_os_impl.h by the include path.
CORE_HOME := kmod/core/% lib/engine/% tests/%
OS_HOME := lib/engine/os
compile = $(CC) $(CPPFLAGS) $(if $(filter $(CORE_HOME),$<),-I$(OS_HOME)) \
	$(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP

# --- What there is --------------------------------------------------------

# Everything but the mains is one archive; a program takes what it needs.
LIB_ROOMS := base json http nl model client port frame wire engine
PTNETD_ROOMS := rest service store plan backend
src = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objs = $(patsubst %.c,$(B)/obj/%.o,$(call src,$(1)))
ALL_A := $(B)/libptnet-all.a
ALL_OBJ := $(call objs,kmod/core $(LIB_ROOMS:%=lib/%) $(PTNETD_ROOMS:%=ptnetd/%))
PORT_OBJ := $(call objs,lib/port)

PROGRAMS := $(if $(call src,ptnetd),$(B)/ptnetd) \
	$(if $(call src,ptnetctl),$(B)/ptnetctl) \
	$(if $(call src,ptnetd/engine),$(B)/ptnet-engine)
EXAMPLES := $(patsubst docs/%.c,$(B)/%,$(call src,docs/examples))

# Tests are programs of one file; what they share is an archive again.
TEST_ROOMS := unit backend bench fuzz kernel
TEST_SRC := $(call src,$(TEST_ROOMS:%=tests/%))
programs = $(patsubst tests/%.c,$(B)/tests/%,$(filter $(1),$(TEST_SRC)))
WORLD := $(patsubst %.c,$(B)/%,$(wildcard tests/core/test_*.c))
UNIT := $(call programs,tests/unit/test_% tests/backend/test_%) $(WORLD)
FUZZ := $(call programs,tests/fuzz/fuzz_%)
BENCH := $(call programs,tests/bench/bench_%)
KERNEL := $(call programs,tests/kernel/test_% tests/kernel/tool_%)
TEST_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(filter-out \
	$(patsubst $(B)/%,%.c,$(UNIT) $(FUZZ) $(BENCH) $(KERNEL)),$(TEST_SRC)))

.DEFAULT_GOAL := all
all: ## build the programs, libptnet and the examples
all: $(PROGRAMS) $(B)/libptnet.a $(B)/libptnet.so.0 $(EXAMPLES)

test-programs: $(UNIT) $(FUZZ)
bench-programs: $(BENCH)
kernel-programs: $(KERNEL) $(B)/tests/backend/test_backend \
	$(B)/tests/backend/test_nic $(B)/tests/unit/test_vm \
	$(B)/tests/unit/test_vm_nic $(B)/tests/unit/test_hostile_guest

# --- Rules ----------------------------------------------------------------

$(B)/ptnetd: $(call objs,ptnetd)
$(B)/ptnetctl: $(call objs,ptnetctl)
$(B)/ptnet-engine: $(call objs,ptnetd/engine)
$(PROGRAMS): $(ALL_A)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS)

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(compile) -c -o $@ $<

# The store carries its SQL.
$(B)/obj/ptnetd/store/migrate.o: schemas/store.sql

$(ALL_A): $(ALL_OBJ)
$(B)/libptnet.a: $(PORT_OBJ)
$(B)/libptnet-tests.a: $(TEST_OBJ)
$(B)/%.a: $(B)/flags
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/libptnet.so.0: $(PORT_OBJ) lib/port/libptnet.map
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-soname,$(@F) \
		-Wl,--version-script=lib/port/libptnet.map -o $@ $(PORT_OBJ)

# Writers are ptnetctl's own, and tested without it.
$(B)/libptnetctl.a: $(filter-out %/main.o,$(call objs,ptnetctl))
$(B)/tests/unit/test_writer: $(B)/libptnetctl.a

# The core once more, in a world that tests control (tests/core/os).
WORLD_OBJ := $(patsubst %.c,$(B)/world/%.o,$(call src,kmod/core) \
	tests/core/os.c tests/unit/rig.c)
$(WORLD_OBJ) $(WORLD): OS_HOME := tests/core/os
$(B)/libptnet-world.a: $(WORLD_OBJ)
$(B)/world/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC   $< (world)"
	$(Q)$(compile) -c -o $@ $<

$(WORLD): $(B)/tests/core/%: tests/core/%.c $(B)/libptnet-world.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(compile) -Itests $(LDFLAGS) -pie -MF $@.d -o $@ $< \
		$(filter %.a,$^) -lcmocka

$(B)/tests/%: tests/%.c $(B)/libptnet-tests.a $(ALL_A) $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(compile) -Itests $(LDFLAGS) -pie -MF $@.d -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lcmocka

$(B)/examples/%: docs/examples/%.c $(B)/libptnet.a $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(compile) -Ilib/port $(LDFLAGS) -pie -MF $@.d -o $@ $< $(B)/libptnet.a

# Compiling another way compiles all again.
quote = '$(subst ','\'',$(1))'
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(compile) $(LDFLAGS)) | cmp -s - $@ || \
		printf '%s\n' $(call quote,$(compile) $(LDFLAGS)) >$@

# --- Kernel module --------------------------------------------------------

kmod: ## build ptnetmap.ko and ptnet.ko into build/kmod/RELEASE, for each KDIR
kmod: $(if $(KDIR),,deps-kmod)
	+@kmod/build $(B)/kmod $(KDIR)

kernels: ## fetch the kernels that guests run into build/kernels
kernels: deps-build deps-kmod deps-guest
	@tests/kernel/fetch $(KERNELS)

kmod-lint: ## sparse and checkpatch on the module (part of lint)
kmod-lint: deps-kmod deps-lint
	@tests/lint/run sparse patch

# --- Tests ----------------------------------------------------------------

RUN = tests/run --build $(B)

demo: ## show the main job: a topology is applied, and packets flow
demo: deps-build deps-demo
	$(Q)$(MAKE) --no-print-directory all
	@tests/demo.sh $(B)

demo-vm: ## show it with a virtual machine: stock QEMU, Debian's kernel, a ping
demo-vm: deps-build deps-demo deps-kmod deps-guest
	@tests/kernel/fetch $(KERNELS) 6.1
	$(Q)$(MAKE) --no-print-directory all
	@kmod/build $(B)/kmod $(KERNELS)/6.1/build
	@PTNET_KERNELS=$(KERNELS) tests/demo-vm.sh $(B)

check: ## run every test
check: deps-build deps-demo deps-check
	$(Q)$(MAKE) --no-print-directory all test-programs
	@$(RUN) unit fuzz integration

check-unit: ## run the tests of single rooms and of the backends
check-unit: deps-build deps-demo deps-check
	$(Q)$(MAKE) --no-print-directory test-programs $(PROGRAMS)
	@$(RUN) unit

check-asan: ## run every test under the address and undefined sanitizers
check-asan: deps-build deps-demo deps-check
	$(Q)$(MAKE) --no-print-directory B=$(B)/asan SAN=address,undefined \
		CFLAGS='-O1 -g' all test-programs
	@tests/run --build $(B)/asan unit fuzz integration

check-tsan: ## run the unit and backend tests under the thread sanitizer
check-tsan: deps-build deps-demo deps-check
	$(Q)$(MAKE) --no-print-directory B=$(B)/tsan SAN=thread \
		CFLAGS='-O1 -g' all test-programs
	@tests/run --build $(B)/tsan unit

check-kmod: ## try the module in guests: kernels 6.1, 6.12 and uml
check-kmod: deps-build deps-demo deps-check kernels
	$(Q)$(MAKE) --no-print-directory all kernel-programs
	@tests/kernel/run --build $(B) --kernels $(KERNELS)

check-kmod-debug: ## the same on kernels with KASAN, lockdep, KCSAN, ... (built once)
check-kmod-debug: deps-build deps-demo deps-check kernels
	$(Q)$(MAKE) --no-print-directory all kernel-programs
	@tests/kernel/debug $(KERNELS)
	@tests/kernel/run --build $(B) --kernels $(KERNELS) --seconds 6000 kasan kcsan

check-vm: ## boot VMs on stock QEMU, attached by the engine: ping, TCP, who may die
check-vm: deps-build deps-demo deps-check kernels
	$(Q)$(MAKE) --no-print-directory all kernel-programs kmod
	@PTNET_KERNELS=$(KERNELS) $(RUN) vm

fuzz: ## run each fuzzer for FUZZ_SECONDS (60)
fuzz: deps-build deps-fuzz
	$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang CFLAGS='-O1 -g' \
		SAN=fuzzer-no-link,address,undefined fuzz-programs
	@tests/fuzz/run $(B)/fuzz $(FUZZ_SECONDS)

fuzz-programs: LDFLAGS += -fsanitize=fuzzer
fuzz-programs: $(FUZZ)

bench: ## measure; ratios to what the machine can do, taken in one run
bench: deps-build deps-demo deps-check
	-@[ "$$(id -u)" != 0 ] || .ci/deps bench # neighbours are welcome
	$(Q)$(MAKE) --no-print-directory all bench-programs
	@tests/bench/run $(B)

bench-kmod: ## measure the module in guests, beside AF_PACKET and the core
bench-kmod: deps-build deps-demo deps-check kernels
	$(Q)$(MAKE) --no-print-directory all kmod bench-programs
	@tests/bench/kmod $(B)

bench-vm: ## measure two guests on ptnet beside virtio-net over TAP and bridge (as root)
bench-vm: deps-build deps-demo deps-check kernels
	$(Q)$(MAKE) --no-print-directory all kernel-programs bench-programs kmod
	@PTNET_KERNELS=$(KERNELS) tests/bench/vm $(B)

lint: ## check format, includes, licenses; clang-tidy, cppcheck, shellcheck
lint: deps-build deps-demo deps-check deps-lint deps-fuzz compile_commands.json
	@tests/lint/run

check-container: ## run demo and check in a bare Debian 12 (as root)
check-container:
	@tests/container/run

compile_commands.json: ## for editors and clang-tidy
compile_commands.json: FORCE
	$(Q)$(MAKE) --no-print-directory -Bn V=1 B=$(B) CC=clang all test-programs \
		bench-programs kernel-programs | tests/lint/compile_commands >$@

deps: ## install every Debian package that some target needs
deps: deps-build deps-demo deps-check deps-kmod deps-guest deps-lint deps-fuzz \
	deps-bench
deps-%:
	@.ci/deps $*

# --- Installation ---------------------------------------------------------

# What goes where: FILE|DIRECTORY|MODE.
place = $(foreach f,$(1),$(f)|$(2)|$(3))
SHARE := $(PREFIX)/share
INSTALLED = $(call place,$(B)/ptnetctl,$(PREFIX)/bin,755) \
	$(call place,$(B)/ptnetd $(B)/ptnet-engine,$(PREFIX)/sbin,755) \
	$(call place,$(B)/libptnet.a $(B)/libptnet.so.0,$(PREFIX)/lib,644) \
	$(call place,lib/port/ptnet.h,$(PREFIX)/include,644) \
	$(call place,$(wildcard kmod/include/uapi/ptnet/*.h),$(PREFIX)/include/ptnet,644) \
	$(call place,$(B)/libptnet.pc,$(PREFIX)/lib/pkgconfig,644) \
	$(call place,$(B)/ptnetd.service,$(PREFIX)/lib/systemd/system,644) \
	$(foreach n,1 3 4 5 8,$(call place,$(wildcard docs/man/*.$(n)),$(SHARE)/man/man$(n),644)) \
	$(call place,schemas/topology.schema.json,$(SHARE)/ptnet,644) \
	$(call place,$(wildcard topologies/*.yaml),$(SHARE)/doc/ptnet/topologies,644) \
	$(call place,$(wildcard docs/examples/*.c),$(SHARE)/doc/ptnet/examples,644) \
	$(call place,$(B)/completions/ptnetctl,$(SHARE)/bash-completion/completions,644)

$(B)/completions/ptnetctl: $(B)/ptnetctl
	@mkdir -p $(@D) && $< completion bash >$@

# Another PREFIX makes them anew.
$(B)/libptnet.pc: lib/port/libptnet.pc.in FORCE
$(B)/ptnetd.service: ptnetd/ptnetd.service.in FORCE
$(B)/libptnet.pc $(B)/ptnetd.service:
	@sed 's|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' $< >$@

part = $(word $(2),$(subst |, ,$(1)))
target = "$(DESTDIR)$(call part,$(1),2)/$(notdir $(call part,$(1),1))"
install: ## install under DESTDIR and PREFIX (/usr/local)
install: all $(B)/libptnet.pc $(B)/ptnetd.service $(B)/completions/ptnetctl
	@set -e; $(foreach i,$(INSTALLED),install -D -m $(call part,$(i),3) \
		$(call part,$(i),1) $(call target,$(i));)
	@ln -sf libptnet.so.0 "$(DESTDIR)$(PREFIX)/lib/libptnet.so"

uninstall: ## remove what install put there
uninstall:
	@rm -f $(foreach i,$(INSTALLED),$(call target,$(i))) \
		"$(DESTDIR)$(PREFIX)/lib/libptnet.so"

clean: ## remove what was built
	rm -rf $(B) compile_commands.json

help: ## this list
	@sed -n 's/^\([a-z][a-z_.-]*\): ## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r t d; do printf '  %-22s %s\n' "$$t" "$$d"; done
	@echo 'Settings: B=build CC=gcc CFLAGS SAN=address,undefined|thread V=1'
	@echo '  FUZZ_SECONDS=60 PREFIX=/usr/local DESTDIR='
	@echo '  KDIR=DIR...: kernel build directories. Without it, make kmod takes those of'
	@echo '  make kernels, else the installed headers: cloud, any, the running one.'

.PHONY: all kmod kmod-lint kernels test-programs bench-programs fuzz-programs \
	kernel-programs demo demo-vm bench-vm check check-unit check-asan check-tsan check-kmod \
	check-kmod-debug check-vm fuzz bench bench-kmod lint check-container deps clean \
	help install uninstall FORCE
.SECONDARY:
-include $(patsubst %.o,%.d,$(ALL_OBJ) $(TEST_OBJ) $(WORLD_OBJ) \
	$(call objs,ptnetd ptnetctl ptnetd/engine)) \
	$(addsuffix .d,$(UNIT) $(FUZZ) $(BENCH) $(KERNEL) $(EXAMPLES))
