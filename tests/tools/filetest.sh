#!/bin/bash
# filetest.sh [--bless] FILE...   runs filetests (see tests/README.md)
# filetest.sh --list              lists them all
# Prints "ok NAME", "not ok NAME" or "skip NAME" for each, details before it.
# --bless rewrites .out .err .exit files and prints what changed; without FILE
# it takes those whose name holds $T.
set -u
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${T:=}"
case $BIN in /*) ;; *) BIN=$root/$BIN ;; esac
case $OBJ in /*) ;; *) OBJ=$root/$OBJ ;; esac
: "${SHARED:=$root/../shared}"
export PATH="$BIN:$PATH"
dir=tests/filetests

list() {
	[ -d $dir ] || return 0
	find $dir -mindepth 2 -maxdepth 2 -type f ! -name '*.out' \
	    ! -name '*.err' ! -name '*.exit' ! -name '*.md' | sort
}

# What follows "KEY:" in the file, after any comment leader.
key() {
	sed -n "s/^[^A-Za-z]*$1:[[:space:]]*//p" "$2"
}

# The RUN lines, with those that end in \ joined to the next.
run_lines() {
	key RUN "$1" | sed -e ':a' -e '/\\$/N; s/\\\n/ /; ta'
}

# REQUIRES: shared, an architecture or a command
have() {
	case $1 in
	shared) [ -d "$SHARED" ] ;;
	x86_64 | aarch64) [ "$(uname -m)" = "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

# Runs the RUN lines of $file in $scratch; leaves out, err and exit there.
# `not CMD` passes when CMD fails as designed: status 1 or 2, not by a signal
# or a sanitizer. Pipelines fail when any of their commands does.
execute() {
	local base line status=0
	base=$(basename "$file")
	ln -s "$root/$file" "$scratch/$base"
	: >"$scratch/out"
	: >"$scratch/err"
	while IFS= read -r line; do
		line=${line//'%{bin}'/$BIN}
		line=${line//'%{shared}'/$SHARED}
		line=${line//'%s'/$base}
		line=${line//'%t'/$base.tmp}
		line=${line//'%S'/$root/$(dirname "$file")}
		(
			cd "$scratch" || exit 2
			exec bash -o pipefail -c '
			not() {
				"$@"
				local s=$?
				[ $s -eq 1 ] || [ $s -eq 2 ] || {
					echo "not: exit status $s: $*" >&2
					return 125
				}
			}
			'"$line" </dev/null >>out 2>>err
		)
		status=$?
		[ $status -ne 0 ] && break
	done <<-EOF
	$(run_lines "$file")
	EOF
	echo $status >"$scratch/exit"
	failed_line=$line
}

# Compares a stored sidecar with what came out, where there is one.
same() {
	[ -e "$file.$1" ] || [ "$2" = must ] || return 0
	if [ -e "$file.$1" ]; then
		diff -u "$file.$1" "$scratch/$1"
	else
		diff -u /dev/null "$scratch/$1"
	fi
}

has_checks() {
	grep -q '^[^A-Za-z]*CHECK\(-[A-Z]*\)\{0,1\}:' "$file"
}

judge() {
	local want=0 bad=0
	[ -e "$file.exit" ] && want=$(cat "$file.exit")
	if [ "$(cat "$scratch/exit")" != "$want" ]; then
		echo "exit status $(cat "$scratch/exit"), not $want: $failed_line"
		bad=1
	fi
	if has_checks; then
		cat "$scratch/out" "$scratch/err" >"$scratch/both"
		awk -f tests/tools/check.awk "$file" "$scratch/both" || bad=1
	fi
	same out may || bad=1
	same err may || bad=1
	if [ $bad -ne 0 ]; then
		echo "--- standard output"
		head -n 40 "$scratch/out"
		echo "--- standard error"
		head -n 40 "$scratch/err"
	fi
	return $bad
}

run_test() {
	local name=${file#tests/} words word xfail report
	if [ -z "$(run_lines "$file")" ]; then
		echo "$file: no RUN line"
		echo "not ok $name"
		return
	fi
	if grep -q '^[^A-Za-z]*SKIP:' "$file"; then
		echo "skip $name: $(key SKIP "$file")"
		return
	fi
	words=$(key REQUIRES "$file" | tr ',' ' ')
	for word in $words; do
		if ! have "$word"; then
			echo "skip $name: no $word here"
			return
		fi
	done
	execute
	report=$(judge)
	if grep -q '^[^A-Za-z]*XFAIL:' "$file"; then
		xfail=$(key XFAIL "$file")
		if [ -n "$report" ]; then
			echo "ok $name: fails as expected: $xfail"
		else
			echo "passes now: take out XFAIL: $xfail"
			echo "not ok $name"
		fi
	elif [ -n "$report" ]; then
		# Indented, so that no line of it counts as a result.
		printf '%s\n' "$report" | sed 's/^/    /'
		echo "not ok $name"
	else
		echo "ok $name"
	fi
}

# New files appear only for tests that have nothing else to judge by.
bless_test() {
	local part fresh=may
	execute
	has_checks || [ -e "$file.out" ] || [ -e "$file.err" ] || fresh=must
	for part in out err exit; do
		if [ ! -e "$file.$part" ] && [ $fresh = may ]; then
			continue
		fi
		same $part must
		case $part$(cat "$scratch/$part") in
		err | exit0) rm -f "$file.$part" ;;
		*) cp "$scratch/$part" "$file.$part" ;;
		esac
	done
}

action=run_test
case ${1:-} in
--list)
	list
	exit ;;
--bless)
	action=bless_test
	shift
	if [ $# -eq 0 ]; then
		mapfile -t found < <(list | grep -e "$T")
		set -- "${found[@]}"
	fi ;;
esac

for file; do
	scratch=$OBJ/tests/scratch/${file#tests/}
	rm -rf "$scratch"
	mkdir -p "$scratch" || exit 2
	$action
done
