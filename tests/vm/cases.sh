# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line and the cases of tests/vm/run and tests/vm/systemd. Sourced, behind tests/setup.sh.
# A case is a script with a head: `# limit: SECONDS` (60), `# modules: NAME...` (besides cuse),
# `# kernels: 6.12 6.1` (all).
: "${top_srcdir:?}" "${here:?}"

series=6.12 out='' limit='' verbose='' stage='' given=()

# parse_options DEFAULT-FOLDER ARGUMENT...
parse_options()
{
	local option

	out=$1
	shift
	while getopts k:o:t:v option; do
		case $option in
		k) series=$OPTARG ;;
		o) out=$OPTARG ;;
		t) limit=$OPTARG ;;
		# shellcheck disable=SC2034 # of machine.sh
		v) verbose=yes ;;
		*) die "usage: ${0##*/} [-k 6.12|6.1] [-o FOLDER] [-t SECONDS] [-v] STAGE [CASE...]" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ -d "${1:-}/tests" ] || die "no STAGE given (make test-stage)"
	stage=$1
	shift
	given=("$@")
	mkdir -p "$out"
	rm -f "$out"/*.log "$out"/@*.log "$out/results"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
}

# One word of a case's head.
head_of()
{
	sed -n "s/^# $2: *//p" "$1" | head -n 1
}

# Lines of the machine's list: NAME SECONDS COMMAND.
list_cases()
{
	local file kernels seconds

	for file; do
		kernels=$(head_of "$file" kernels)
		case " ${kernels:-$series} " in
		*" $series "*) ;;
		*) continue ;;
		esac
		seconds=$(head_of "$file" limit)
		printf '%s %s /bin/sh /tests/cases/%s\n' "$(basename "$file" .sh)" "${seconds:-60}" "${file##*/}"
	done
}

# prepare_cases FOLDER CASE...: puts the cases into FOLDER, the machine's /tests: those given on the
# command line, or else the CASEs.
prepare_cases()
{
	local to=$1

	shift
	[ ${#given[@]} = 0 ] || set -- "${given[@]}"
	mkdir -p "$to/cases"
	cp "$@" "$to/cases/"
	cp "$top_srcdir/tests/service.sh" "$to/"
	printf 'CUSION_LONG=%s\n' "${CUSION_LONG:-}" >"$to/environment"
	list_cases "$@" >"$to/list"
	list=$to/list
}

wanted_modules()
{
	local file

	echo cuse
	for file in "$(dirname "$list")"/cases/*.sh; do
		head_of "$file" modules
	done
}

# Sets image and modules, and the time limit of all cases together if none was given.
find_kernel()
{
	local lines

	lines=$("$here/kernel" "$series")
	# shellcheck disable=SC2034
	image=${lines%%$'\n'*}
	# shellcheck disable=SC2034
	modules=${lines#*$'\n'}
	[ -n "$limit" ] || limit=$(awk '{ n += $2 } END { print n + 120 }' "$list")
}
