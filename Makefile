# SPDX-License-Identifier: Apache-2.0
export PATH := $(CURDIR)/.toolchain/node_modules/.bin:$(CURDIR)/node_modules/.bin:$(PATH)

CLANG ?= clang
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	-I/usr/include/$(shell uname -m)-linux-gnu
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,build/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))

.PHONY: run test test-long test-all test-vm coverage check format build bundle bpf bench fuzz soak setup setup-test clean

run: setup bpf bundle
	@./culvert lab $(ARGS)

test: setup-test bpf bundle check
	@vitest run --project unit --project system $(ARGS)

# What takes minutes (test/**/*.long.test.ts).
test-long: setup-test bpf bundle
	@vitest run --project long $(ARGS)

# Which lines the unit tests run.
coverage: setup-test bpf bundle
	@vitest run --project unit --coverage $(ARGS)

# All that .ci/run runs.
test-all:
	@.ci/run

test-vm: setup-test bpf
	@scripts/setup-vm.sh
	@node test/vm/main.ts $(ARGS)

check:
	@biome check . && oxlint --deny-warnings && tsc --noEmit

format:
	@biome check --write .

build: setup bpf bundle
	@tsc -p tsconfig.build.json

bench: setup bpf bundle
	@node bench/main.ts $(ARGS)

fuzz: setup-test bpf
	@node test/fuzz/main.ts $(ARGS)

soak: setup bpf bundle
	@node test/soak/main.ts $(ARGS)

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

# Without clang there is no fast path: the simulated plane runs all the same, and tests that need BPF say so. Looked for
# only now, because set-up may just have installed it.
bpf:
	@if command -v $(CLANG) >/dev/null; then $(MAKE) --no-print-directory -s $(BPF_OBJECTS); fi

# The commands as ./culvert starts them soonest; without it, or when it is older than the sources, the sources run.
bundle: build/cli/inputs.json

build/cli/inputs.json: scripts/bundle.ts package-lock.json $(shell find src -name '*.ts')
	@node scripts/bundle.ts

build/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $@

clean:
	rm -rf build dist
