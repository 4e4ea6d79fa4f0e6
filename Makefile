# SPDX-License-Identifier: BSD-2-Clause
# ptnet: `make help` lists the targets. B is the build directory, SAN a list
# of sanitizers (address,undefined | thread), V=1 shows the commands.

B ?= build
CC ?= gcc
SAN ?=
V ?=
Q := $(if $(V),,@)
PREFIX ?= /usr/local
VERSION := 0.1.0

PKGS := yaml-0.1 sqlite3 libmicrohttpd jansson libnl-3.0 libnl-genl-3.0 libsystemd libpcap
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wwrite-strings -Wpointer-arith -Wundef -Wformat=2
HARDEN := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
	$(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))
CPPFLAGS += -D_GNU_SOURCE -DPTNET_VERSION='"$(VERSION)"' \
	-Ikmod/include/uapi -Ikmod -Ilib -Iptnetd
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -pthread -MMD -MP
LDFLAGS += -pie -pthread $(SANFLAGS) -Wl,--as-needed -Wl,-z,relro,-z,now

# Each room is an archive. A program takes from all what it needs.
LIB_ROOMS := base json http nl model client port engine
PTNETD_ROOMS := rest service store plan backend
room_src = $(wildcard $(1)/*.c)
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB_SRC := $(foreach r,$(LIB_ROOMS),$(call room_src,lib/$(r)))
CORE_SRC := $(call room_src,kmod/core)
PTNETD_SRC := $(foreach r,$(PTNETD_ROOMS),$(call room_src,ptnetd/$(r)))
ENGINE_MAIN := $(call room_src,ptnetd/engine)
PTNETD_MAIN := $(call room_src,ptnetd)
PTNETCTL_SRC := $(call room_src,ptnetctl)
UNIT_SRC := $(wildcard tests/unit/test_*.c tests/backend/test_*.c)
UNIT := $(patsubst tests/%.c,$(B)/tests/%,$(UNIT_SRC))
BENCH := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/bench_*.c))
EXAMPLES := $(patsubst docs/examples/%.c,$(B)/examples/%,$(wildcard docs/examples/*.c))
PROGRAMS := $(if $(PTNETD_MAIN),$(B)/ptnetd) $(if $(PTNETCTL_SRC),$(B)/ptnetctl) \
	$(if $(ENGINE_MAIN),$(B)/ptnet-engine)

# Everything but the mains; the linker takes what is referenced.
ALL_A := $(B)/libptnet-all.a

.DEFAULT_GOAL := all
all: ## build the programs and libptnet
all: $(PROGRAMS) $(B)/libptnet.a $(EXAMPLES)

$(B)/ptnetd: $(call objs,$(PTNETD_MAIN)) $(ALL_A)
$(B)/ptnetctl: $(call objs,$(PTNETCTL_SRC)) $(ALL_A)
$(B)/ptnet-engine: $(call objs,$(ENGINE_MAIN)) $(ALL_A)
$(PROGRAMS):
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ALL_A) $(PKG_LIBS)

# The core finds its ptn_os_impl.h by the include path.
$(B)/obj/kmod/core/%.o $(B)/obj/lib/engine/%.o: CPPFLAGS += -Ilib/engine/os

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(ALL_A): $(call objs,$(LIB_SRC) $(CORE_SRC) $(PTNETD_SRC))
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libptnet.a: $(call objs,$(call room_src,lib/port))
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/%: tests/%.c $(ALL_A)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(CPPFLAGS) -Ilib/engine/os -Itests $(PKG_CFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -MF $@.d -o $@ $< \
		$(filter %.o,$^) $(ALL_A) $(PKG_LIBS) -lcmocka

$(B)/examples/%: docs/examples/%.c $(B)/libptnet.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(CPPFLAGS) -Ilib/port $(ALL_CFLAGS) $(LDFLAGS) -MF $@.d -o $@ $< $(B)/libptnet.a

unit: $(UNIT)
bench-programs: $(BENCH)

check-unit: ## the tests of single rooms
check-unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

clean: ## remove what was built
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z][a-z_-]*\): ## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		sort -u | while IFS='|' read -r t d; do printf '  %-16s %s\n' "$$t" "$$d"; done

.PHONY: all unit bench-programs check-unit clean help
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
