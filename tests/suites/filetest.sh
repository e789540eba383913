#!/bin/sh
# The judges of the filetests, judged: check.awk line by line, and filetest.sh
# on tests that must pass, fail, be skipped and be blessed.
set -u
root=$PWD
cd "${SCRATCH:?}" || exit 2

# expect NAME STATUS COMMAND...: the output is shown when it goes wrong
expect() {
	name=$1 want=$2
	shift 2
	"$@" >log 2>&1
	got=$?
	if [ $got -eq "$want" ]; then
		echo "ok $name"
	else
		sed 's/^/  /' log
		echo "not ok $name: status $got"
	fi
}

# check NAME STATUS CHECKS OUTPUT: texts with \n
check() {
	printf "$3" >checks
	printf "$4" >output
	expect "check $1" "$2" awk -f "$root/tests/tools/check.awk" checks \
	    output
}
check plain 0 '# CHECK: b\n' 'abc\n'
check absent 1 '# CHECK: x\n' 'abc\n'
check no-output 1 '# CHECK: x\n' ''
check empty-pattern 1 '# CHECK:\n' 'abc\n'
check ordered 0 '# CHECK: a\n# CHECK: b\n' 'a\nx\nb\n'
check out-of-order 1 '# CHECK: b\n# CHECK: a\n' 'a\nb\n'
check same-line-after 0 '# CHECK: a\n# CHECK: b\n' 'a b\n'
check once-is-not-twice 1 '# CHECK: a\n# CHECK: a\n' 'a\n'
check blanks 0 '# CHECK: a   b\n' 'a \t b\n'
check blank-needed 1 '# CHECK: a b\n' 'ab\n'
check literal-dot 1 '# CHECK: a.b\n' 'axb\n'
check literals 0 '# CHECK: [a](b){c}.*+?|$^\\/\n' '[a](b){c}.*+?|$^\\/\n'
check regex 0 '# CHECK: v{{[0-9]+}} = {{.*}}end\n' 'v12 = x end\n'
check regex-fails 1 '# CHECK: v{{[0-9]+}} =\n' 'v = x\n'
check regex-anchor 0 '# CHECK: {{^}}b{{$}}\n' 'ab\nb\n'
check regex-unclosed 1 '# CHECK: {{a\n' 'a\n'
check next 0 '# CHECK: a\n# CHECK-NEXT: b\n' 'a\nb\n'
check next-too-far 1 '# CHECK: a\n# CHECK-NEXT: b\n' 'a\nx\nb\n'
check next-same-line 1 '# CHECK: a\n# CHECK-NEXT: b\n' 'ab\n'
check next-first 1 '# CHECK-NEXT: b\n' 'b\n'
check same 0 '# CHECK: a\n# CHECK-SAME: b\n' 'a b\n'
check same-other-line 1 '# CHECK: a\n# CHECK-SAME: b\n' 'a\nb\n'
check same-before 1 '# CHECK: a\n# CHECK-SAME: b\n' 'b a\n'
check not 0 '# CHECK: a\n# CHECK-NOT: x\n# CHECK: b\n' 'a\nb\nx\n'
check not-between 1 '# CHECK: a\n# CHECK-NOT: x\n# CHECK: b\n' 'a\nx\nb\n'
check not-on-line 1 '# CHECK: a\n# CHECK-NOT: x\n# CHECK: b\n' 'a\nx b\n'
check not-behind 0 '# CHECK: a\n# CHECK-NOT: x\n# CHECK: b\n' 'x a\nb x\n'
check not-to-end 1 '# CHECK: a\n# CHECK-NOT: x\n' 'a\nb\nx\n'
check not-only 0 '# CHECK-NOT: x\n' 'a\n'
check not-only-first-line 1 '# CHECK-NOT: x\n' 'x\n'
check two-nots 1 '# CHECK-NOT: y\n# CHECK-NOT: x\n# CHECK: b\n' 'x\nb\n'
check label 0 '# CHECK-LABEL: f\n# CHECK: a\n# CHECK-LABEL: g\n# CHECK: a\n' \
    'f\na\ng\na\n'
check label-bounds 1 \
    '# CHECK-LABEL: f\n# CHECK: a\n# CHECK-LABEL: g\n' 'f\ng\na\n'
check label-absent 1 '# CHECK-LABEL: f\n# CHECK-LABEL: g\n' 'f\n'
check misspelt 1 '# CHECK: a\n# CHECK-NXT: b\n' 'a\nb\n'
check prose-is-no-check 0 '# CHECK: a\nsee CHECK: zzz\n' 'a\n'
check crlf 0 '# CHECK: a\r\n' 'a\n'

# A tree of its own for filetest.sh
mkdir -p tests/filetests/x/inputs tests/tools bin
cp "$root/tests/tools/filetest.sh" "$root/tests/tools/check.awk" tests/tools
cat >bin/tool <<'EOF'
#!/bin/sh
echo "out $*"
echo "err" >&2
case $1 in
[0-9]*) exit "$1" ;;
crash) kill -SEGV $$ ;;
esac
EOF
chmod +x bin/tool
unset SHARED T
BIN=$PWD/bin OBJ=$PWD/obj
export BIN OBJ

# filetest NAME RESULT TEXT
filetest() {
	file=tests/filetests/x/$1.txt
	printf "$3" >"$file"
	tests/tools/filetest.sh "$file" >log 2>&1
	case $(grep -e '^ok ' -e '^not ok ' -e '^skip ' log) in
	"$2 filetests/x/$1.txt"*) echo "ok filetest $1" ;;
	*)
		sed 's/^/  /' log
		echo "not ok filetest $1" ;;
	esac
}
filetest passes ok '; RUN: tool 0\n'
filetest fails 'not ok' '; RUN: tool 1\n'
filetest all-lines-count 'not ok' '; RUN: tool 1\n; RUN: tool 0\n'
filetest pipeline-counts 'not ok' '; RUN: tool 1 | cat\n'
filetest not-1 ok '; RUN: not tool 1\n'
filetest not-2 ok '; RUN: not tool 2\n'
filetest not-0 'not ok' '; RUN: not tool 0\n'
filetest not-3 'not ok' '; RUN: not tool 3\n'
filetest not-signal 'not ok' '; RUN: not tool crash\n'
filetest no-such-tool 'not ok' '; RUN: not nosuchtool\n'
filetest continued ok '; RUN: tool 0 \\\\\n; RUN: two\n; CHECK: out 0 two\n'
filetest substitutes ok \
    '; RUN: tool 0 %%s %%t.o\n; CHECK: 0 substitutes.txt substitutes.txt.tmp.o\n'
filetest bin-path ok '; RUN: %%{bin}/tool 0\n; CHECK: out\n'
filetest reads-itself ok 'hello\n; RUN: cat %%s\n; CHECK: hello\n'
filetest source-folder ok '; RUN: test -d %%S/inputs\n'
filetest scratch ok '; RUN: echo x >%%t\n; RUN: cat %%t\n; CHECK: x\n'
filetest error-text ok '; RUN: tool 0\n; CHECK: out 0\n; CHECK-NEXT: err\n'
filetest check-fails 'not ok' '; RUN: tool 0\n; CHECK: nothing\n'
filetest no-run 'not ok' 'hello\n'
filetest skipped skip '; RUN: tool 1\n; SKIP: not now\n'
filetest required skip '; RUN: tool 1\n; REQUIRES: nosuchtool\n'
filetest fulfilled ok '; RUN: tool 0\n; REQUIRES: tool, sh\n'
filetest xfail ok '; RUN: tool 1\n; XFAIL: known\n'
filetest xfail-passes 'not ok' '; RUN: tool 0\n; XFAIL: known\n'
echo 3 >tests/filetests/x/exit-3.txt.exit
filetest exit-3 ok '; RUN: tool 3\n'
echo 0 >tests/filetests/x/exit-0.txt.exit
filetest exit-0 'not ok' '; RUN: tool 3\n'
echo other >tests/filetests/x/out.txt.out
filetest out 'not ok' '; RUN: tool 0\n'

expect 'bless rewrites' 0 tests/tools/filetest.sh --bless \
    tests/filetests/x/out.txt
filetest out ok '; RUN: tool 0\n'
printf '; RUN: tool 3\n' >tests/filetests/x/fresh.txt
expect 'bless creates' 0 tests/tools/filetest.sh --bless \
    tests/filetests/x/fresh.txt
expect 'blessed files' 0 sh -c 'cd tests/filetests/x
    [ "$(cat fresh.txt.out fresh.txt.err fresh.txt.exit)" = "out 3
err
3" ]'
filetest fresh ok '; RUN: tool 3\n'
echo data >tests/filetests/x/inputs/data.txt
expect 'list' 0 sh -c '
    tests/tools/filetest.sh --list | grep -q x/fresh.txt &&
    ! tests/tools/filetest.sh --list | grep -q -e inputs -e "\.out$"'
