#!/bin/sh
# make bench: the quality of the generated code, the cost of the tools and the
# speed of the kernels, one table each. BENCH="quality tools" runs some.
set -eu
bin=${O:-build/opt}/tests/bench
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wave-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
for name in ${BENCH:-quality tools kernels}; do
	echo "== $name"
	case $name in
	quality)
		"$bin/bench_quality" -b 32 -mgroups=1 -mdram_bw=150GiB ;;
	tools)
		"$bin/bench_tools" -n "${BENCH_RUNS:-5}" -d "$scratch" ;;
	kernels)
		"$bin/bench_kernels" ;;
	*)
		echo "no benchmark '$name': quality tools kernels" >&2
		exit 2 ;;
	esac
done
