# `make` builds, `make bench` measures this machine and writes a report, `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# Packages before the build, and nothing beside a measurement.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# An import that Package.swift does not list is an error; the same flags everywhere, so that nothing is built
# twice.
SWIFT_FLAGS := --explicit-target-dependency-import-check error $(if $(TRAITS),--traits $(TRAITS))
IPCBENCH := .build/release/ipcbench

# The run that reports and pictures are made of: RUN=<run-id>, by default the latest.
RUN ?= $(notdir $(shell readlink results/latest 2>/dev/null))
# More flags for `ipcbench run`: make bench ARGS='--pin 2,3'
ARGS ?=
# Parts that are off by default: make bench TRAITS=GRPC. Their first build takes minutes more.
TRAITS ?=
export TRAITS

.PHONY: all
all: build

## build            the ipcbench command, optimised: .build/release/ipcbench
.PHONY: build
build:
	swift build -c release $(SWIFT_FLAGS)

## deps             installs the Debian packages that are missing; nothing when all are there
.PHONY: deps
deps:
	@scripts/deps

# Measuring ---------------------------------------------------------------------------------------------------

## bench            measures this machine (under two minutes) and writes a report
## bench-smoke      the same with one short trial a case (seconds)
## bench-standard   the same with enough trials to compare machines and versions (under 15 minutes)
## bench-full       the same with every size and load (hours)
.PHONY: bench bench-smoke bench-standard bench-full
bench: SUITE := quick
bench-smoke: SUITE := smoke
bench-standard: SUITE := standard
bench-full: SUITE := full

# make itself, under a name by which it does not know itself: it runs lines that say MAKE in a dry run too, and this
# one measures.
again := $(MAKE)

# A run in which a case failed (exit code 3) is reported like any other; make fails with that code at the end.
# The table is printed by the report, which can name its files; so the run's own is not shown.
bench bench-smoke bench-standard bench-full: deps build
	@status=0; $(IPCBENCH) run --suite $(SUITE) $(ARGS) >/dev/null || status=$$?; \
	if [ $$status -ne 0 ] && [ $$status -ne 3 ]; then exit $$status; fi; \
	$(again) report RUN="$$(basename "$$(readlink results/latest)")"; \
	exit $$status

# Reports and pictures ----------------------------------------------------------------------------------------

run_dir := results/$(RUN)
plot_dir := plots/out/$(RUN)
records := $(run_dir)/trials.jsonl $(run_dir)/environment.json $(run_dir)/plan.json
drawn := latency-over-size percentile-spectrum message-rate-over-size goodput-over-size paced-latency-over-rate \
  wake-up-over-gap batch-latency-and-rate latency-over-cpu trial-strips core-to-core
shared_sources := plots/common.gp plots/panels.gp plots/over-size.gp
# The map of this machine's CPUs, where `make matrix` has made one.
matrix_record := $(wildcard results/matrix/cache-line.json)
have_gnuplot := $(shell command -v gnuplot)
plot_files := $(if $(have_gnuplot),$(drawn:%=$(plot_dir)/%.svg))

## report           report.html, report.md and their pictures from a run; RUN=<run-id>, by default the latest
.PHONY: report
report: have-run $(run_dir)/report.html
	@cat $(run_dir)/report.txt

## plots            only the pictures, in plots/out/<run-id>; FORMAT=png draws PNG files too
.PHONY: plots
plots: have-run have-gnuplot $(plot_files) $(if $(filter png,$(FORMAT)),$(drawn:%=$(plot_dir)/%.png))

.PHONY: have-run have-gnuplot
have-run:
	@if [ -z "$(RUN)" ]; then echo "No run yet: make bench, or name one with RUN=<run-id>." >&2; exit 1; fi
	@if [ ! -e "$(run_dir)/trials.jsonl" ]; then echo "$(run_dir) is not a run directory." >&2; exit 1; fi
have-gnuplot:
	@if [ -z "$(have_gnuplot)" ]; then echo "Plots need gnuplot: make deps" >&2; exit 1; fi

ifneq ($(RUN),)
# One reading of the run serves the pictures and the report: the program has them drawn in between.
# The program is not a prerequisite: a report changes when its run does, not with every build. To make it
# again with a newer program: make -B report.
$(run_dir)/report.html: $(records) $(matrix_record) $(wildcard plots/*.gp) | $(IPCBENCH)
	@mkdir -p $(plot_dir)/data
	@$(IPCBENCH) report $(run_dir) $(if $(have_gnuplot),--plot-data $(plot_dir)/data --plots $(plot_dir) \
	  --draw 'touch $(plot_dir)/data/.made && MAKEFLAGS= $(again) --silent --jobs=2 pictures RUN=$(RUN)') \
	  >$(run_dir)/report.txt.new
	@printf '\n  page   %s\n  table  %s\n' $(run_dir)/report.html $(run_dir)/results.csv >>$(run_dir)/report.txt.new
	@mv $(run_dir)/report.txt.new $(run_dir)/report.txt

.PHONY: pictures
pictures: $(plot_files)

$(plot_dir)/data/.made: $(records) $(matrix_record) | $(IPCBENCH)
	@mkdir -p $(@D)
	@$(IPCBENCH) report $(run_dir) --plot-data $(@D)
	@touch $@

# A run without data for a plot leaves an empty file, which reports pass over and make does not ask for again.
define draw
	@rm -f $@
	@gnuplot -e "datadir='$(plot_dir)/data'; out='$@'" $<
	@[ -e $@ ] || touch $@
endef

$(plot_dir)/%.svg: plots/%.gp $(shared_sources) $(plot_dir)/data/.made
	$(draw)
$(plot_dir)/%.png: plots/%.gp $(shared_sources) $(plot_dir)/data/.made
	$(draw)
endif

$(IPCBENCH):
	swift build -c release $(SWIFT_FLAGS)

# Core to core ------------------------------------------------------------------------------------------------

## matrix           round trips between every two CPUs, as a table and a heat map; M=MECHANISM, by default a cache line
.PHONY: matrix
M := cache-line
matrix: deps build
	@$(IPCBENCH) matrix -m $(M) $(ARGS)
	@$(if $(have_gnuplot),gnuplot -e "facts='$(matrix_file).gp'; data='$(matrix_file).tsv'; out='$(matrix_file).svg'" \
	  plots/core-to-core.gp && echo "  map    $(matrix_file).svg")
matrix_file = results/matrix/$(subst :,-,$(M))

# Comparing ---------------------------------------------------------------------------------------------------

## compare          says which cases of two runs differ: A=results/... B=results/...
.PHONY: compare
compare: $(IPCBENCH)
	@if [ -z "$(A)" ] || [ -z "$(B)" ]; then echo "Name two runs: make compare A=results/... B=results/..." >&2; exit 64; fi
	@$(IPCBENCH) compare "$(A)" "$(B)" $(ARGS)

## check            measures this program and another one in turn; AGAINST=COMMIT, by default origin/main or HEAD~1
AGAINST ?= $(shell git rev-parse --verify --quiet origin/main || echo HEAD~1)
.PHONY: check
check: deps build
	@$(IPCBENCH) check --against $(AGAINST) $(ARGS)

## baseline         records SESSIONS (8) sessions of this machine in BASELINE, for 'ipcbench check --baseline'
BASELINE ?= results/baselines/$(shell uname -n)
SESSIONS ?= 8
PAUSE ?= 60
.PHONY: baseline
baseline: deps build
	@scripts/baseline $(IPCBENCH) $(BASELINE) $(SESSIONS) $(PAUSE)

## aa               shows what a check is worth here: false alarms, slow-downs found; TIME=60min
TIME ?= 60min
.PHONY: aa
aa: deps build
	@$(IPCBENCH) aa --time-budget $(TIME) $(ARGS)

# Checking ----------------------------------------------------------------------------------------------------

## reference        compares ipcbench with bare C and C++ programs that do the same work
.PHONY: reference
reference: deps build
	$(MAKE) -C Benchmarks/Reference
	python3 Benchmarks/Reference/compare.py

## test             all tests: of the modules, then of the command
.PHONY: test
test: deps
	swift build --build-tests $(SWIFT_FLAGS)
	# One after the other: tests that look for what is left behind must not see what another one is using.
	# What failed is said once more at the end.
	swift test --skip-build --no-parallel 2>&1 | tee .build/tests.log || \
	  { echo "Failed:"; grep -A5 '✘' .build/tests.log; exit 1; }
	Tests/e2e/run

## numa             pages and CPUs on two NUMA nodes, in a virtual machine (qemu, Debian's kernel)
.PHONY: numa
numa: deps build
	@Tests/numa/run $(IPCBENCH)

## fuzz             damaged packets for every parser of a network protocol: INPUTS=10000000 each, minutes; SEED=N
INPUTS ?= 10000000
SEED ?= $(shell date +%s)
.PHONY: fuzz
fuzz:
	swift build -c release $(SWIFT_FLAGS) --product WireFuzzer
	.build/release/WireFuzzer $(INPUTS) $(SEED)

swift_sources := Package.swift Sources Tests Benchmarks

## lint             style, imports, and whether the measured loops are specialised
.PHONY: lint
lint: deps
	swift format lint --strict --recursive --parallel $(swift_sources)
	swift build -c release $(SWIFT_FLAGS)
	scripts/check-hot-loops $(IPCBENCH)

## format           formats the Swift sources
.PHONY: format
format:
	swift format --in-place --recursive --parallel $(swift_sources)

## rpc-stubs        generates the stubs in Sources/ONCRPC/generated from the interface, with rpcgen
.PHONY: rpc-stubs
rpc-stubs:
	@scripts/rpc-stubs

## clean            removes what was built and drawn; runs stay
.PHONY: clean
clean:
	rm -rf .build plots/out
	$(MAKE) -C Benchmarks/Reference clean

## help             this list
.PHONY: help
help:
	@sed -n 's/^## /  make /p' $(firstword $(MAKEFILE_LIST))
