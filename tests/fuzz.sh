#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the fuzz targets of a build with --enable-fuzzer, one after the other, on one CPU:
#
#	tests/fuzz.sh [TARGET...]	(default: all)
#
# FUZZ_SECONDS each: 30 by default, 600 under CUSION_LONG=1. Starts from tests/corpus and from what
# earlier runs in the same build have added, in $top_builddir/fuzz/TARGET/corpus. A finding fails; its
# input is kept in $top_builddir/fuzz/TARGET: mend the fault, and put it into tests/corpus. TAP.
set -u
: "${top_srcdir:=$(dirname "$0")/..}" "${top_builddir:=.}"
corpora=$top_srcdir/tests/corpus
[ "${CUSION_LONG:-}" = 1 ] && : "${FUZZ_SECONDS:=600}"
: "${FUZZ_SECONDS:=30}"
[ $# -gt 0 ] || set -- bufferfs conf control service wire

# the number behind NAME in the fuzzer's last lines
stat_of()
{
	sed -n "s/^stat::$1: *//p" "$2" | tail -n 1
}

coverage_of()
{
	sed -n 's/^#[0-9]*[[:space:]].*\(cov: [0-9]* ft: [0-9]*\) corp: \([0-9]*\).*/\1 inputs: \2/p' "$1" | tail -n 1
}

# fuzz NUMBER TARGET
fuzz()
{
	dir=$top_builddir/fuzz/$2
	log=$dir/log
	dictionary=
	mkdir -p "$dir/corpus"
	[ -f "$corpora/$2.dict" ] && dictionary=-dict=$corpora/$2.dict
	# shellcheck disable=SC2086 # no word where there is no dictionary
	if nice -n 10 "$top_builddir/tests/fuzz_$2" -max_total_time="$FUZZ_SECONDS" -timeout=20 \
		-rss_limit_mb=4096 -max_len=2048 -print_final_stats=1 -artifact_prefix="$dir/" $dictionary \
		"$dir/corpus" "$corpora/$2" >"$log" 2>&1 </dev/null
	then
		echo "ok $1 - $2: $(stat_of number_of_executed_units "$log") runs, $(coverage_of "$log")"
		return 0
	fi
	echo "not ok $1 - $2: $(grep -a -m 1 -E 'Assertion|ERROR:|runtime error|SUMMARY:' "$log")"
	grep -a 'Test unit written to' "$log" | sed 's/^/# /'
	grep -av '^#[0-9]' "$log" | tail -n 50 | sed 's/^/# /' >&2
	return 1
}

for target; do
	if [ ! -x "$top_builddir/tests/fuzz_$target" ] ||
	   ! "$top_builddir/tests/fuzz_$target" -help=1 2>&1 </dev/null | grep -q max_total_time; then
		echo "1..0 # SKIP not built with --enable-fuzzer"
		exit 77
	fi
done
echo "1..$#"
failed=0
n=0
for target; do
	n=$((n + 1))
	fuzz "$n" "$target" || failed=1
done
exit "$failed"
