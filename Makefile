# Every target sets itself up on a fresh machine: Python 3.10 or later with its headers, and a C++20 compiler.
# Stamps in .venv remember what is done, so that a second call does little.
.DEFAULT_GOAL := help
.PHONY: help pythons setup setup-tests other-isas run test py-test coverage test-all test-recipes test-peers newest-python cpp-test lint format docs docs-serve docs-versions docs-links asan tsan stress stress-asan stress-tsan emulate-avx512 arm64 arm64-digits bench bench-ops \
        bench-scaling bench-compare mutants results conformance fuzz attack wheel cuda cuda-sim gpu clean
.DELETE_ON_ERROR:
SHELL := /bin/bash

VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
EXTRAS := run+cli+test
# Instruction sets to build for, such as avx512 or "avx512;avx2"; without it all of the architecture's.
ISAS ?=
PYTEST_FLAGS ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
# With paths relative to the tree, ccache (if it is there) knows the same files in a copy of the tree.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
# Without this ccache keeps nothing that is compiled with the precompiled header. No source names the time.
export CCACHE_SLOPPINESS := pch_defines,time_macros
# Headers count by their bytes, not by what the preprocessor leaves of them: a precompiled header that is older than a
# comment in one of its files no longer knows this file as one that it has included.
export CCACHE_DEPEND := 1

# Of the interpreters named, or else found, those that can make an environment and build an extension module: a line of
# version and path for each.
CAN_BUILD := import os, sys, sysconfig, venv, ensurepip; \
  print(sys.version.split()[0], os.path.realpath(sys.executable)) \
  if sys.version_info >= (3, 10) and os.path.exists(sysconfig.get_path("include") + "/Python.h") else None
FIND_PYTHONS = for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10); do \
  "$$python" -c '$(CAN_BUILD)' 2>/dev/null; done

# $(call progress,what is being done) COMMAND: shows how far the command is, and its output only if it fails. With
# make -s, failures alone.
comma := ,
progress = $(BIN)/python tools/show_progress.py $(if $(findstring s,$(firstword -$(MAKEFLAGS))),--quiet) "$(1)"

# One build folder for the wheel and the C++ tests, so that the engine is compiled once.
BUILD := build/main
CPP_SOURCES = $(shell find cpp cmake CMakeLists.txt -type f)
PYTHON_SOURCES = $(shell find python -type f -not -name '*.pyc')
# The pages that `powertrain help` prints, which are in the wheel.
PAGES = $(shell find docs -name '*.md' -not -path 'docs/api/*')

help:
	@echo "Targets (each sets itself up):"
	@echo "  make run             build, install into $(VENV), train digits"
	@echo "  make test            C++ and Python tests (make cpp-test, make py-test: one of the two; PYTEST_FLAGS=\"-k word\": some)"
	@echo "  make setup           build and install, nothing else (ISAS=avx512: for one instruction set, in less time)"
	@echo "  make setup-tests     and what the engine's own tests need, without the plugins"
	@echo "  make coverage        the Python tests, with the part of the package's lines that they run: build/coverage/html"
	@echo "  make test-peers      the tests that compare with PyTorch (some gigabytes from PyPI)"
	@echo "  make test-recipes PART=k/8   trains the recipes of that eighth whole, and holds each to its expect; those that"
	@echo "                       have not changed since are kept in build/results (without PART: all; SEEDS=N: each with so many)"
	@echo "  make test-all        make test-recipes too, and make test with the newest Python: hours"
	@echo "  make lint            ruff check and format, mypy --strict, clang-format, include arrows, file sizes, style of texts,"
	@echo "                       files that pages show (builds the engine, whose types mypy reads)"
	@echo "  make format          clang-format, ruff format and ruff's own fixes, in place; makes .venv/lint, and builds nothing"
	@echo "  make docs            the documentation's site in build/docs/html, warnings as errors; make docs-serve: build and"
	@echo "                       serve it at http://127.0.0.1:8000; make docs-links: try its links to other sites;"
	@echo "                       make docs-versions SITE=DIR: put it beside those of earlier versions"
	@echo "  make asan            C++ tests under the address and undefined-behaviour sanitizers"
	@echo "  make tsan            C++ tests under the thread sanitizer"
	@echo "  make stress          trains, evaluates, forks and takes signals in eight threads at once (SECONDS=600)"
	@echo "  make stress-asan, make stress-tsan   the same on an engine built with a sanitizer"
	@echo "  make emulate-avx512  C++ tests with AVX-512 emulated (needs the headers of SIMDe)"
	@echo "  make arm64           C++ tests cross-compiled, under QEMU (needs g++-aarch64-linux-gnu and qemu-user)"
	@echo "  make arm64-digits    trains digits there and here, and compares the bits (Debian; fetches its Python for Arm)"
	@echo "  make bench           training steps, products and AdamW beside the peers: tables, JSON, pictures (20 minutes;"
	@echo "                       QUICK=1: short turns, fewer peers; WORKLOAD=name: training steps of that one)"
	@echo "  make bench-scaling   step time as parameters and batch grow, beside the peers"
	@echo "  make bench-ops       single ops beside the peers, in turns: table, JSON, picture (about an hour; QUICK=1: short"
	@echo "                       turns; ONLY=pattern: an op, or part of a case's name; BENCH_FLAGS=--resume: go on)"
	@echo "  make bench-compare BASE=commit   workloads that became slower since a commit"
	@echo "  make results RECIPES=\"...\"  train these, and write docs/results.md from the runs in build/results"
	@echo "  make mutants         each fault planted in ops, shapes, gradients, passes and optimizers must fail the tests of"
	@echo "                       that part (OP=name: of one op, or of one part of tests/support/mutants_elsewhere.py, also"
	@echo "                       without PyTorch; without OP it is installed)"
	@echo "  make conformance     PyTorch's and ONNX's own suites, through one adapter; keeps the counts in docs/conformance.md"
	@echo "  make fuzz N=10000    so many random graphs: eager, compiled, passes, threads, instruction sets, NumPy"
	@echo "                       (DEVICE=cuda: on a simulated GPU, beside the CPU)"
	@echo "  make attack N=30000  so many hostile calls of the public API: crashes, hangs and raw tracebacks are printed"
	@echo "  make wheel           dist/*.whl, those of plugins/ too"
	@echo "  make cuda            dist/cuda/*.whl: powertrain-cuda with kernels for GPUs; needs CUDA's nvcc, and no GPU"
	@echo "  make cuda-sim        the same library for the simulator, in build/cuda: needs cuda.h alone"
	@echo "  make gpu             on a machine with a card: builds for it, runs pytest -m gpu, measures; build/gpu/report.md, .json"
	@echo "  make pythons         the interpreters that it could be done with, the oldest first (PYTHON=path: take that one)"
	@echo "  make clean           remove what the above made"

pythons:
	@{ $(FIND_PYTHONS); } | sort -u -V | cut -d " " -f 2

$(VENV)/pyvenv.cfg:
	@python=$$($(FIND_PYTHONS) | head -n 1 | cut -d " " -f 2-); \
	if [ -z "$$python" ]; then \
	  echo "[make] found no Python with venv, pip and headers$(PYTHON:%= in PYTHON=%); expected 3.10 or later; install" \
	       "it (Debian: python3-dev python3-venv) or name one: make PYTHON=/path/to/python3" >&2; exit 2; \
	fi; \
	"$$python" -m venv $(VENV)

# What builds comes from the package registry; only the compiler is the machine's.
$(VENV)/.tools: $(VENV)/pyvenv.cfg pyproject.toml
	@$(BIN)/python tools/requirements.py build dev | tr '\n' '\0' | \
	  xargs -0 $(call progress,installing what builds the engine) $(BIN)/pip install
	@touch $@

$(VENV)/.extras-%: $(VENV)/.tools
	@$(BIN)/python tools/requirements.py $(subst +, ,$*) | tr '\n' '\0' | \
	  xargs -0 $(call progress,installing the libraries of $(subst +,$(comma) ,$*)) $(BIN)/pip install
	@touch $@

# An engine for other instruction sets is built again.
BUILT_ISAS := $(shell cat $(VENV)/.isas 2>/dev/null)
$(VENV)/.wheel: $(VENV)/.tools $(CPP_SOURCES) $(PYTHON_SOURCES) $(PAGES) README.md \
                $(if $(filter-out [$(BUILT_ISAS)],[$(ISAS)]),other-isas)
	@rm -rf dist
	@$(call progress,building the engine) $(BIN)/pip wheel --verbose --no-deps --no-build-isolation --wheel-dir dist \
	  -C build-dir=$(BUILD) -C cmake.define.POWERTRAIN_BUILD_TESTS=OFF -C "cmake.define.POWERTRAIN_ISAS=$(ISAS)" .
	$(BIN)/pip install --quiet --force-reinstall --no-deps dist/*.whl
	@echo "$(ISAS)" >$(VENV)/.isas
	@touch $@

# The engine's, and those of the first-party distributions that its extras name.
wheel: $(VENV)/.wheel
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist \
	  $(addprefix ./plugins/, vision text audio tabular generative rl xla onnx serve loggers privacy federated distributed)

# With kernels for every architecture: minutes.
cuda: $(VENV)/.tools $(VENV)/.extras-cuobjdump
	@rm -rf dist/cuda
	@$(call progress,building powertrain-cuda) $(BIN)/pip wheel --verbose --no-deps --no-build-isolation \
	  --wheel-dir dist/cuda -C build-dir=$(CURDIR)/build/cuda-wheel ./plugins/cuda
	$(BIN)/python tools/check_cuda_library.py dist/cuda/*.whl
	$(BIN)/python tools/cuda_resources.py dist/cuda/*.whl

# On a machine with a card, in ten minutes: powertrain-cuda for it, the tests that make sense on one, measurements.
gpu: $(VENV)/.plugins
	$(BIN)/python tools/gpu.py build/gpu

# Python finds it with build/cuda on its path, and a GPU with POWERTRAIN_CUDA_DRIVER=sim.
cuda-sim: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS)
	$(BIN)/cmake -B $(BUILD) -DPOWERTRAIN_BUILD_TESTS=ON >/dev/null
	@$(call progress,building the simulated GPU) $(BIN)/cmake --build $(BUILD) --target powertrain_cuda powertrain_cuda_sim powertrain_cublaslt_sim
	$(BIN)/python tools/lay_out_cuda.py $(BUILD) build/cuda

setup: $(VENV)/.wheel $(VENV)/.extras-run+cli

setup-tests: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS)

run: setup
	$(BIN)/powertrain train digits

# The extras bring cuda.h and nvrtc.h, with which the simulated GPU is built.
# POWERTRAIN_ALL=1: CUDA's longest tests whole, not a sample of their calls.
cpp-test: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS)
	$(BIN)/cmake -B $(BUILD) -DPOWERTRAIN_BUILD_TESTS=ON >/dev/null
	@$(call progress,building the C++ tests) $(BIN)/cmake --build $(BUILD)
	$(BIN)/python tools/check_symbols.py $(BUILD)
	$(BIN)/ctest --test-dir $(BUILD) --parallel $(JOBS) --output-on-failure --timeout 600

# The first-party distributions, each installed with pip as anybody's is, with what its extras need. Not the GPU's, which
# needs nvcc.
PLUGINS = $(filter-out plugins/cuda/%,$(wildcard plugins/*/pyproject.toml))
$(VENV)/.plugins: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS) $(PLUGINS)
	@$(BIN)/python tools/requirements.py plugins | tr '\n' '\0' | \
	  xargs -0 $(call progress,installing the libraries of the plugins) $(BIN)/pip install
	@$(call progress,installing the plugins) $(BIN)/pip install --no-deps --no-build-isolation \
	  $(PLUGINS:%/pyproject.toml=-e ./%)
	@touch $@

PYTEST = $(BIN)/python -m pytest -n $(JOBS) -m "not long and not gpu" $(PYTEST_FLAGS)
test: cpp-test $(VENV)/.plugins
	@$(BIN)/python tools/lay_out_cuda.py $(BUILD) build/cuda || echo "[make] no simulated GPU, since cuda.h is not here: its tests are skipped"
	$(PYTEST)

# While one works: make py-test PYTEST_FLAGS="-k softmax".
py-test: $(VENV)/.plugins
	$(PYTEST)

# Fails below the floor in pyproject.toml.
coverage: $(VENV)/.plugins $(VENV)/.extras-$(EXTRAS)+coverage
	$(BIN)/python -m pytest -n $(JOBS) -m "not long and not gpu" --cov --cov-report=term:skip-covered --cov-report=html \
	  $(PYTEST_FLAGS)

# What is skipped without PyTorch.
test-peers: $(VENV)/.plugins $(VENV)/.extras-$(EXTRAS)+peers
	$(BIN)/python -m pytest -n $(JOBS) -m "peers and not long and not gpu" $(PYTEST_FLAGS)

# One after the other, for some expect how long they take.
test-all: export POWERTRAIN_ALL := 1
test-all: test newest-python
	$(BIN)/python -m pytest -m "long" $(PYTEST_FLAGS)
	$(MAKE) test-recipes

# Runs are kept in build/results, where `make results` reads them.
TRAIN_RECIPES = $(BIN)/python tools/train_recipes.py $(if $(SEEDS),--seeds $(SEEDS))
test-recipes: $(VENV)/.plugins
	$(TRAIN_RECIPES) $(if $(PART),--part $(PART))

# Of `make pythons` the last, in an environment and a build folder of its own.
newest-python:
	$(MAKE) test VENV=build/newest/venv BUILD=build/newest/main \
	  PYTHON="$$($(MAKE) -s --no-print-directory pythons PYTHON= | tail -n 1)"

# The tools of lint, whose versions are held, apart from what a user's Python brings.
LINT := $(VENV)/lint
$(LINT)/.done: $(VENV)/pyvenv.cfg pyproject.toml
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "[make] lint with" \
	  "$$($(BIN)/python --version) in $(VENV); expected 3.11 or later, for the NumPy whose types are checked against;" \
	  "name one: make lint VENV=build/lint PYTHON=/path/to/python3" >&2; exit 2; }
	$(BIN)/python -m venv $(LINT)
	@$(BIN)/python tools/requirements.py lint | tr '\n' '\0' | \
	  xargs -0 $(call progress,installing the tools of lint) $(LINT)/bin/pip install
	@touch $@

FORMATTED = $(shell find cpp -name '*.h' -o -name '*.cpp' -o -name '*.cu')
lint: $(LINT)/.done $(VENV)/.wheel
	$(LINT)/bin/ruff check .
	$(LINT)/bin/ruff format --check .
	$(LINT)/bin/mypy
	$(LINT)/bin/python tools/check_stub.py $(BUILD)/__init__.pyi
	@echo "clang-format --dry-run --Werror (all of cpp)"; $(LINT)/bin/clang-format --dry-run --Werror $(FORMATTED)
	$(LINT)/bin/python tools/check_includes.py
	$(LINT)/bin/python tools/check_op_names.py
	$(LINT)/bin/python tools/check_imports.py
	$(LINT)/bin/python tools/check_sizes.py
	$(LINT)/bin/python tools/check_style.py
	$(LINT)/bin/python tools/check_external_links.py
	$(LINT)/bin/python tools/check_page_files.py
	@echo "towncrier build --draft (changes/)"; $(LINT)/bin/towncrier build --draft --version next >/dev/null

format: $(LINT)/.done
	$(LINT)/bin/ruff check --fix .
	$(LINT)/bin/ruff format .
	@echo "clang-format -i (all of cpp)"; $(LINT)/bin/clang-format -i $(FORMATTED)

# -W: warnings are errors. The pages of the API reference are written first, from the docstrings (tools/website).
SPHINX = $(BIN)/python -m sphinx -q -W --keep-going -j $(JOBS)
docs: $(VENV)/.wheel $(VENV)/.extras-run+cli+sklearn+docs
	$(SPHINX) -b html docs build/docs/html
	@echo "[make] the site is in build/docs/html; make docs-serve serves it"

docs-serve: docs
	$(BIN)/python -m http.server --directory build/docs/html --bind 127.0.0.1 8000

# The site of this version beside those of earlier ones, in SITE: for a release.
docs-versions: docs
	$(BIN)/python tools/website/versions.py build/docs/html $(or $(SITE),build/docs/site)

# Asks other sites, and notes in tools/external_links.toml which answered.
docs-links: $(VENV)/.tools
	$(BIN)/python tools/check_external_links.py --online

# The C++ tests in a build of their own: $(call cpp-tests,folder,options)
define cpp-tests
	$(BIN)/cmake -S . -B build/$(1) -G Ninja -DPOWERTRAIN_BUILD_TESTS=ON $(2) >/dev/null
	@$(call progress,building the C++ tests in build/$(1)) $(BIN)/cmake --build build/$(1)
	$(BIN)/ctest --test-dir build/$(1) --parallel $(JOBS) --output-on-failure --timeout 1200
endef

# Kernels that this machine cannot run would be built for nothing.
RUNNABLE_ISAS = $(shell grep -qsw avx2 /proc/cpuinfo && \
  { grep -qsw avx512vl /proc/cpuinfo && echo "avx512;avx2" || echo avx2; })
asan: $(VENV)/.tools
	$(call cpp-tests,asan,-DPOWERTRAIN_SANITIZE=address$(comma)undefined "-DPOWERTRAIN_ISAS=$(RUNNABLE_ISAS)")

tsan: $(VENV)/.tools
	$(call cpp-tests,tsan,-DPOWERTRAIN_SANITIZE=thread "-DPOWERTRAIN_ISAS=$(RUNNABLE_ISAS)")

# Everything at once in eight threads, for SECONDS: on the wheel, and on engines built with a sanitizer.
SECONDS_OF_STRESS = $(or $(SECONDS),600)
stress: setup
	$(BIN)/python tests/stress/stress.py --seconds $(SECONDS_OF_STRESS)

stress-asan: $(VENV)/.tools $(VENV)/.extras-run+cli
	$(BIN)/python tools/sanitized.py address tests/stress/stress.py --seconds $(SECONDS_OF_STRESS)

stress-tsan: $(VENV)/.tools $(VENV)/.extras-run+cli
	$(BIN)/python tools/sanitized.py thread tests/stress/stress.py --seconds $(SECONDS_OF_STRESS) --no-forks

emulate-avx512: $(VENV)/.tools
	$(call cpp-tests,avx512,-DPOWERTRAIN_EMULATE_AVX512=ON)

arm64: $(VENV)/.tools
	$(call cpp-tests,arm64,-DCMAKE_TOOLCHAIN_FILE=cmake/arm64.cmake)

# In the same build folder, so that the engine is compiled once.
arm64-digits: $(VENV)/.wheel $(VENV)/.extras-run+cli
	$(BIN)/python tools/arm64_digits.py build/arm64

# Folder of the tables and pictures: build/benchmarks. More options: benchmarks/run.py --help, in BENCH_FLAGS.
BENCH_EXTRAS := $(VENV)/.extras-$(EXTRAS)+peers+bench
RUN_BENCH = $(BIN)/python benchmarks/run.py $(if $(QUICK),--quick) $(BENCH_FLAGS)
bench: $(VENV)/.wheel $(BENCH_EXTRAS)
	$(RUN_BENCH) $(if $(WORKLOAD),--sections steps --workloads $(WORKLOAD))

bench-scaling: $(VENV)/.wheel $(BENCH_EXTRAS)
	$(RUN_BENCH) --sections scaling --out build/benchmarks/scaling

bench-ops: $(VENV)/.wheel $(BENCH_EXTRAS)
	$(BIN)/python benchmarks/race_ops.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(BENCH_FLAGS)

bench-compare: $(VENV)/.tools $(VENV)/.wheel $(VENV)/.extras-run
	@if [ -z "$(BASE)" ]; then \
	  echo "[make] bench-compare without BASE; expected a commit; for example make bench-compare BASE=main" >&2; exit 2; \
	fi
	$(BIN)/python benchmarks/compare.py $(BASE) $(if $(WORKLOAD),--workloads $(WORKLOAD)) $(BENCH_FLAGS)

# Trains RECIPES ("mnist1d-cnn sms-spam-bag ...") and writes docs/results.md from all runs in build/results, those that do
# not reach what they are held to as well.
results: $(VENV)/.plugins
	@[ -z "$(RECIPES)" ] || $(TRAIN_RECIPES) $(RECIPES) || [ $$? = 1 ]
	$(BIN)/python tools/results.py

# Many of the oracles are PyTorch's; for one OP it is taken if it is there.
mutants: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS)$(if $(OP),,+peers)
	$(BIN)/python tools/mutants.py $(if $(OP),"$(OP)")

conformance: $(VENV)/.plugins $(VENV)/.extras-$(EXTRAS)+peers+conformance
	$(BIN)/python tests/conformance/run.py --write

N ?= 1000
fuzz: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS) $(if $(filter cuda,$(DEVICE)),cuda-sim)
	$(BIN)/python tests/support/fuzz_graphs.py --count $(N) $(if $(DEVICE),--device $(DEVICE))

attack: $(VENV)/.wheel $(VENV)/.extras-$(EXTRAS)
	$(BIN)/python tests/attack/run.py --count $(N)

clean:
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
