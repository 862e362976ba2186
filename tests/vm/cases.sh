# shellcheck shell=bash disable=SC2034 # most variables are for who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line and the cases of tests/vm/run, tests/vm/systemd and tests/fuse_door.sh. Sourced, behind
# tests/setup.sh. A case is a script tests/cases/*.sh with a head:
#	# where: vm fuse systemd	the places that it is for
#	# limit: SECONDS		its time limit (60)
#	# modules: NAME...		modules that it loads, besides cuse
#	# programs: NAME...		this machine's programs that it runs where they are there
#	# kernels: 6.12 6.1		where it is not for all of them
#	# machine: nodes		the test machine that it is for, where that isn't the usual one
# Its environment: TESTS, the folder of the tests' programs; WHERE, one of the places; CUSION_LONG.
: "${top_srcdir:?}"

series=6.12 machine='' group='' where='' out='' limit='' verbose='' stage='' given=() work='' list='' image='' modules=''

# parse_options PLACE ARGUMENT...
parse_options()
{
	local option

	where=$1
	group=$1
	out=$1-out
	shift
	while getopts g:k:m:o:t:v option; do
		case $option in
		g) group=$OPTARG ;;
		k) series=$OPTARG ;;
		m) machine=$OPTARG ;;
		o) out=$OPTARG ;;
		t) limit=$OPTARG ;;
		v) verbose=yes ;;
		*) die "usage: ${0##*/} [-g GROUP] [-k 6.12|6.1] [-m MACHINE] [-o FOLDER] [-t SECONDS] [-v] STAGE [CASE...]" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ -d "${1:-}/tests" ] || die "no STAGE given (make test-stage)"
	stage=$(realpath "$1")
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

# has_word LIST WORD
has_word()
{
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# The paths of the cases that are for here, or those given on the command line.
chosen_cases()
{
	local file kernels

	if [ ${#given[@]} -gt 0 ]; then
		printf '%s\n' "${given[@]}"
		return
	fi
	for file in "$top_srcdir"/tests/cases/*.sh; do
		kernels=$(head_of "$file" kernels)
		[ "$(head_of "$file" machine)" = "$machine" ] || continue
		if has_word "$(head_of "$file" where)" "$where" && has_word "${kernels:-$series}" "$series"; then
			printf '%s\n' "$file"
		fi
	done
}

# The time limit of a case.
limit_of()
{
	local seconds

	seconds=$(head_of "$1" limit)
	printf '%s\n' "${seconds:-60}"
}

# Fills a machine's /tests: the cases, their environment, and the list of what to run in lines of
# NAME SECONDS COMMAND.
prepare_cases()
{
	local to=$1 file

	mkdir -p "$to/cases"
	printf '%s\n' "WHERE=$where" "CUSION_LONG=${CUSION_LONG:-}" CK_TIMEOUT_MULTIPLIER=5 >"$to/environment"
	list=$to/list
	chosen_cases | while read -r file; do
		cp "$file" "$to/cases/"
		printf '%s %s /bin/sh /tests/cases/%s\n' "$(basename "$file" .sh)" "$(limit_of "$file")" "${file##*/}"
	done >"$list"
}

# The modules that the cases need, in one line.
wanted_modules()
{
	local file

	for file in "$(dirname "$list")"/cases/*.sh; do
		head_of "$file" modules
	done | tr '\n' ' '
	echo cuse
}

# Copies the programs that the cases need of this machine's into a folder of the test machine's. One that
# is not installed is left out: the case that needs it says so.
add_programs()
{
	local to=$1 file name path

	mkdir -p "$to"
	for file in "$(dirname "$list")"/cases/*.sh; do
		head_of "$file" programs
	done | tr ' ' '\n' | sort -u | while read -r name; do
		path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$name" || true)
		[ -z "$path" ] || cp -L "$path" "$to/"
	done
}

# Sets image and modules, and the time limit of all cases together if none was given.
find_kernel()
{
	local lines

	lines=$("$top_srcdir/tests/vm/kernel" "$series")
	image=${lines%%$'\n'*}
	modules=${lines#*$'\n'}
	[ -n "$limit" ] || limit=$(awk '{ n += $2 } END { print n + 120 }' "$list")
}
