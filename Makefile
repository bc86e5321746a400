# The front door. Meson does the work; every target first installs what it needs and this machine
# lacks (tools/packages says what and why).
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
DESTDIR ?=
export BUILD

.PHONY: build run check lint fuzz bench install clean help

build: ## the program, as build/spile
	@tools/install-packages build
	@test -f $(BUILD)/build.ninja || meson setup --prefix $(PREFIX) $(BUILD) >$(BUILD).log || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@meson compile -C $(BUILD) spile:executable

run: build ## show decoded DNS traffic: a bundled capture, again and again (DEMO=once: once), and what your servers send
	@tools/demo $(BUILD)/spile

check: build ## every test; the last line counts them
	@tools/install-packages --try check lint fuzz
	@tools/check $(CHECK)

lint: ## layers, sizes, complexity, formatting, warnings, manuals, scripts
	@tools/install-packages --try build lint
	@tools/lint/all

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	@tools/install-packages build fuzz
	@tools/fuzz $(FUZZ_SECONDS)

bench: build ## speed, next to that of other programs
	@tools/install-packages bench
	@tools/bench $(BUILD)/spile

install: build ## into PREFIX (/usr/local); DESTDIR is honoured
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@meson compile -C $(BUILD) installed
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(DESTDIR))

clean: ## remove everything that was built
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12
