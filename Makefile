# One command per wish. Each installs what it needs and misses (as root; otherwise it says the one
# command that does), and works alike here and in CI. `make` alone lists them.
#
#   ONLY=regex    of `test` and `sanitize`: run the tests whose names match
#   ARGS=...      of `run`, `bench`, `simulate` and `planted`: passed on (`make bench ARGS=--quick`)
#   CC=clang      of a first build: the compiler

.DEFAULT_GOAL := help
# Targets share build folders, and each uses all processors by itself.
.NOTPARALLEL:
.PHONY: help run build test setup bench-build bench tidy format sanitize fuzz simulate planted \
        models digests docs abi deb coverage soak clean

help:
	@echo 'make run          the main job: trade a million orders, crash, recover, prove the replay'
	@echo 'make test         build and run all tests'
	@echo 'make build        build optimised: build/millrace, libmillrace.a, libmillrace.so'
	@echo 'make setup        only install what build and tests need'
	@echo
	@echo 'make bench        run all benches (build/bench/bench_NAME); ARGS=--quick, ARGS=--json'
	@echo 'make bench-build  only build them, and install the peers they compare with'
	@echo 'make tidy         formatting, house rules, clang-tidy, cppcheck'
	@echo 'make format       let clang-format rewrite the sources'
	@echo 'make sanitize     all tests under the address, undefined-behaviour and thread sanitizers'
	@echo 'make fuzz         fuzzers of the formats, each for FUZZ_SECONDS=10'
	@echo 'make simulate     engines over a simulated disk and clock; ARGS="--seeds 1..100000"'
	@echo 'make planted      bugs planted in the product, one after the other: a test catches each'
	@echo 'make models       every order of steps in small models of the disruptor, and planted errors'
	@echo 'make digests      every compiler, optimisation level and machine gives the same digests'
	@echo 'make docs         write docs/reference/ anew, from the public headers'
	@echo 'make abi          accept what the library now looks like to programs (libmillrace.abi)'
	@echo 'make deb          Debian packages, in build-deb/packages'
	@echo 'make coverage     which lines the tests run, by file'
	@echo 'make soak         what takes longer: ROUNDS=20 rounds of tests with new seeds'
	@echo 'make clean        remove every build folder'

run: build
	@scripts/main-job.sh $(ARGS)

build:
	@scripts/need.sh product
	@scripts/build.sh release product

test:
	@scripts/need.sh product test
	@scripts/test.sh release

setup:
	@scripts/need.sh product test
	@echo 'setup: all is there that build and tests need'

bench-build:
	@scripts/need.sh product bench
	@scripts/build.sh release benches -DMILLRACE_BENCH=ON

bench: bench-build
	@scripts/bench.sh $(ARGS)

tidy:
	@scripts/need.sh product test bench tidy
	@tests/tidy/tidy.sh

format:
	@scripts/need.sh tidy
	@tests/tidy/format.sh -i

sanitize:
	@scripts/need.sh product test
	@scripts/test.sh sanitize
	@scripts/test.sh tsan

fuzz:
	@scripts/need.sh product test fuzz
	@scripts/fuzz.sh

simulate:
	@scripts/need.sh product test
	@scripts/build.sh release simulator -DMILLRACE_TESTS=ON
	@build/tests/simulator --jobs "$$(nproc)" --seeds 1..2000 $(ARGS)
	@build/tests/simulator --logic counter --seeds 1..20

planted:
	@scripts/need.sh product test planted
	@tests/planted/planted.sh $(ARGS)

models:
	@scripts/need.sh models
	@tests/models/models.sh

digests:
	@scripts/need.sh product digests
	@scripts/digest-matrix.sh

docs:
	@scripts/reference.sh markdown

abi:
	@scripts/need.sh product test
	@scripts/build.sh release millrace_abi -DMILLRACE_TESTS=ON
	@scripts/abi.sh accept build

deb:
	@scripts/need.sh product
	@scripts/deb.sh build-deb

coverage:
	@scripts/need.sh product test
	@scripts/coverage.sh

soak:
	@scripts/need.sh product test
	@scripts/soak.sh

clean:
	rm -rf build build-*
