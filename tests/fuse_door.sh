#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs tests on this machine, over the FUSE door: the same cases as in the test machine, but the device
# is a file of the service's FUSE mount. Needs root.
#
#	tests/fuse_door.sh [-o FOLDER] [-v] STAGE [CASE...]
#
# STAGE, CASE and FOLDER (fuse-out) are those of tests/vm/run. Each case has mount and pid namespaces of
# its own, so that nothing is left of it: a /dev that holds what a client needs, and /dev/ion; an empty
# /run; the worker's user. The machine's own /dev and /run are not touched.
set -eu -o pipefail
# shellcheck source=tests/setup.sh
. "$(dirname "$0")/setup.sh"
# shellcheck source=tests/vm/cases.sh
. "$top_srcdir/tests/vm/cases.sh"

run_case()
{
	local name seconds status=0 log took begin=${EPOCHREALTIME//[.,]/}

	name=$(basename "$1" .sh)
	log=$out/$name.log
	seconds=$(limit_of "$1")
	unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
		"$top_srcdir/tests/fuse_inside.sh" "$stage" "$work" "$seconds" "$(realpath "$1")" \
		>"$log" 2>&1 || status=$?
	[ "$status" != 124 ] || printf '\nBail out! time limit of %s s reached\n' "$seconds" >>"$log"
	[ -z "$verbose" ] || cat "$log"
	took=$(((${EPOCHREALTIME//[.,]/} - begin) / 1000))
	say "  $name $status $took"
	printf '%s %s %s\n' "$name" "$status" "$took" >>"$out/ended"
	"$top_srcdir/tests/tally" "fuse/$name" "$status" <"$log" >>"$out/results"
}

parse_options fuse "$@"
[ "$(id -u)" = 0 ] || die "this needs root"
[ -c /dev/fuse ] || die "no /dev/fuse on this machine"
export CUSION_LONG="${CUSION_LONG:-}"
: >"$out/results"
: >"$out/ended"
chosen_cases | while read -r file; do
	run_case "$file"
done
! grep -q '^F' "$out/results"
