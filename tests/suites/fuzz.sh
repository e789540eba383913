#!/bin/sh
# Every fuzz target runs over its corpus: seeds and former findings.
set -u
: "${OBJ:=build/opt}"
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	set -- tests/fuzz/corpus/"$name"/*
	if [ ! -e "$1" ]; then
		echo "not ok corpus $name: no seeds in tests/fuzz/corpus/$name"
	elif "$OBJ/tests/fuzz/fuzz_$name" "$@" 2>&1; then
		echo "ok corpus $name: $# files"
	else
		echo "not ok corpus $name"
	fi
done
