#!/bin/sh
# Makes sure that the Debian packages Wave is built with are there: installs
# them when root, else prints the command that does and fails.
set -u

packages='flex bison protobuf-c-compiler libprotobuf-c-dev libonnx-dev
	libelf-dev libinih-dev zlib1g-dev libcjson-dev libcmocka-dev
	binutils gcc g++'

missing_packages() {
	for p in $packages; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" \
		    2>/dev/null) in
		?i*) ;;
		*) printf ' %s' "$p" ;;
		esac
	done
}

if ! command -v dpkg-query >/dev/null 2>&1; then
	# Not Debian: the tools by name, the libraries by what they install.
	lack=
	for c in flex bison protoc-c nm objcopy; do
		command -v $c >/dev/null 2>&1 || lack="$lack $c"
	done
	for m in libprotobuf-c libelf inih zlib libcjson cmocka; do
		pkg-config --exists $m 2>/dev/null || lack="$lack $m"
	done
	[ -z "$lack" ] && exit 0
	echo "missing:$lack" >&2
	exit 1
fi

missing=$(missing_packages)
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
	echo "installing$missing" >&2
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	{ apt-get install -y -q --no-install-recommends $missing ||
	  { apt-get update -q &&
	    apt-get install -y -q --no-install-recommends $missing; }
	} >&2 </dev/null
	missing=$(missing_packages)
	[ -z "$missing" ] && exit 0
fi
echo "missing packages; install them with:" >&2
echo "    apt-get install$missing" >&2
exit 1
