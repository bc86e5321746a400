# The front door. Meson does the work; every target first installs what it needs and this machine
# lacks (tools/packages says what and why).
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
HOSTILE_SECONDS ?= 600
DESTDIR ?=
export BUILD

.PHONY: build run check lint fuzz hostile bench install clean help

# Runs its argument; what that says is shown where it fails alone.
quietly = @($(1)) >$(BUILD).log 2>&1 && rm -f $(BUILD).log || { cat $(BUILD).log >&2; exit 1; }

# Standard output is for what the program prints: `make run | head`.
build: ## the program, as build/spile
	@tools/install-packages build
	@tools/refresh $(BUILD)
	$(call quietly,test -f $(BUILD)/build.ninja || meson setup --prefix $(PREFIX) $(BUILD))
	@meson compile -C $(BUILD) spile:executable >&2

run: build ## show decoded DNS traffic: a bundled capture, again and again (DEMO=once: once), and what your servers send
	@tools/demo $(BUILD)/spile

check: build ## every test; the last line counts them
	@tools/install-packages --try check lint fuzz
	@tools/refresh $(wildcard build-*/)
	@tools/check $(CHECK)

lint: ## layers, sizes, complexity, formatting, warnings, manuals, scripts
	@tools/install-packages --try build lint
	@tools/refresh $(wildcard build-*/)
	@tools/lint/all

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	@tools/install-packages build fuzz
	@tools/refresh $(wildcard build-*/)
	@tools/fuzz $(FUZZ_SECONDS)

hostile: build ## a mob of all who mean harm beside honest senders, for HOSTILE_SECONDS (600); then tests at length
	@tools/install-packages --try check
	@tools/hostile --seconds $(HOSTILE_SECONDS) $(BUILD)/spile
	@tools/check long

bench: build ## speed, next to that of other programs
	@tools/install-packages bench
	@tools/bench $(BUILD)/spile

install: build ## into PREFIX (/usr/local); DESTDIR is honoured
	$(call quietly,meson configure $(BUILD) -Dprefix=$(PREFIX) && meson compile -C $(BUILD) installed)
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(DESTDIR))

clean: ## remove everything that was built
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12
