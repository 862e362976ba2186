#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed headers: each alone and all in any order, strictly, in old and new C and C++, for 64 and
# 32 bits. Uses $CC and $CXX. Skipped (77), after all else has passed, where a compiler lacks a part.
# shellcheck disable=SC2086 # $CC and its like are commands with arguments
set -u
: "${top_srcdir:=$(dirname "$0")/..}" "${CC:=cc}" "${CXX:=c++}"
include=$top_srcdir/include
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0 passed=0 lacking=

compile()
{
	if "$@" -Wall -Wextra -Werror -I"$include" -fsyntax-only 2> "$tmp/log"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $*"
		head -n 20 "$tmp/log"
	fi
}

all_ways()
{
	for bits in $words; do
		for std in c89 c99 c11; do
			compile $CC "$bits" -x c -std=$std -pedantic-errors "$1"
		done
		for std in $cxx_stds; do
			compile $CXX "$bits" -x c++ -std=$std -pedantic-errors "$1"
		done
	done
}

works()
{
	echo '#include <stddef.h>
#include <sys/types.h>' > "$tmp/probe.c"
	"$@" -fsyntax-only "$tmp/probe.c" 2> /dev/null
}

words=-m64
if works $CC -m32; then words="-m64 -m32"; else lacking="no -m32 headers for $CC"; fi
cxx_stds="c++98 c++11 c++17"
works $CXX -x c++ || { cxx_stds=; lacking="$lacking${lacking:+, }no C++ compiler"; }

headers="ion/ion.h linux/ion.h linux/ion_4.19.h linux/msm_ion.h"
for first in $headers; do
	echo "#include <$first>" > "$tmp/alone.c"
	all_ways "$tmp/alone.c"
	for second in $headers; do
		printf '#include <%s>\n#include <%s>\n#include <%s>\n' "$first" "$second" "$first"
	done > "$tmp/order.c"
	all_ways "$tmp/order.c"
done
all_ways "$top_srcdir/tests/headers.c"

echo "$passed compilations passed, $failed failed"
[ $failed -eq 0 ] || exit 1
[ -z "$lacking" ] || { echo "skipped: $lacking"; exit 77; }
