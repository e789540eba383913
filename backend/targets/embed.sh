#!/bin/sh
# Prints a C file with the given target files as the table target_builtins.
set -eu
echo '#include "backend/target.h"'
for f; do
	n=$(basename "$f" .ini | tr -c 'a-z0-9\n' _)
	echo "static const unsigned char text_$n[] = {"
	od -An -v -tu1 "$f" | sed 's/[0-9][0-9]*/&,/g'
	echo '0};'
done
echo 'const struct target_builtin target_builtins[] = {'
for f; do
	n=$(basename "$f" .ini | tr -c 'a-z0-9\n' _)
	echo "{ \"$(basename "$f" .ini)\", text_$n, sizeof text_$n - 1 },"
done
echo '{ 0, 0, 0 } };'
