#!/bin/sh
# make bench: the quality of the generated code, the cost of the tools and of
# training, and the speed of the kernels. BENCH="quality tools" runs some.
set -eu
bin=${O:-build/opt}/tests/bench
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wave-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
for name in ${BENCH:-quality tools depth training kernels}; do
	echo "== $name"
	case $name in
	quality)
		"$bin/bench_quality" -b 32 -mgroups=1 -mdram_bw=150GiB ;;
	tools)
		"$bin/bench_tools" -n "${BENCH_RUNS:-5}" -d "$scratch" ;;
	depth)
		tests/bench/depth.sh "${BIN:-build/bin}" "$scratch" \
		    "${BENCH_RUNS:-3}" ;;
	training)
		"$bin/bench_training" -n "${BENCH_RUNS:-5}" -d "$scratch" \
		    -b "${BIN:-build/bin}" ;;
	kernels)
		"$bin/bench_kernels" ;;
	*)
		echo "no benchmark '$name': quality tools depth training kernels" >&2
		exit 2 ;;
	esac
done
