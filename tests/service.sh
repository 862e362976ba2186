# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the cases of the test machine and tests/fuse_door.sh share: the service, its clients, points of
# TAP. Sourced; POSIX sh, busybox's too. $TESTS is the folder of the tests' programs.

points=0
service=''
scratch=$(mktemp -d)

point()
{
	points=$((points + 1))
	echo "$1 $points - $2"
}

# check WHAT COMMAND...: a point of its own for COMMAND's success.
check()
{
	what=$1
	shift
	if "$@"; then
		point ok "$what"
	else
		point 'not ok' "$what"
	fi
}

# same WHAT EXPECTED SEEN
same()
{
	if [ "$2" = "$3" ]; then
		point ok "$1"
	else
		point 'not ok' "$1: expected $2, seen $3"
	fi
}

comment()
{
	sed 's/^/# /'
}

# The last words of every case: the plan of its own points (clients print their own).
finish()
{
	[ -z "$service" ] || stop_service
	echo "1..$points"
	rm -rf "$scratch"
}

# start_service ARGUMENT...: returns when the service has said READY.
start_service()
{
	rm -f "$scratch/ready"
	mkfifo "$scratch/ready"
	"$TESTS/ready" -o "$scratch/ready" -- cusiond "$@" 2>"$scratch/log" </dev/null &
	service=$!
	read -r answer keeper <"$scratch/ready"
	if [ "$answer" != ready ]; then
		wait "$service"
		service=''
		point 'not ok' "the service starts"
		comment <"$scratch/log"
		return 1
	fi
	point ok "the service starts"
}

stop_service()
{
	kill -TERM "$service"
	wait "$service"
	status=$?
	service=''
	same "the service ends with status 0" 0 "$status"
	if [ "$status" != 0 ] || [ -n "${SHOW_LOG:-}" ]; then
		comment <"$scratch/log"
	fi
}

# client PROGRAM ARGUMENT...: a program that knows nothing of cusion; its own points count.
client()
{
	"$TESTS/$1" "$@" </dev/null
	same "$1 ends with status 0" 0 $?
}

# The processes of the service: the keeper and its children.
service_processes()
{
	echo "$keeper"
	for stat in /proc/[0-9]*/stat; do
		# pid (comm) state ppid
		sed -n "s/^\([0-9]*\) (.*) . $keeper .*/\1/p" "$stat" 2>/dev/null
	done
}

# What must be the same before and after: "fds threads" of all processes together.
service_holds()
{
	fds=0
	threads=0
	for pid in $(service_processes); do
		fds=$((fds + $(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)))
		threads=$((threads + $(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)))
	done
	echo "$fds fds, $threads threads"
}

# Resident memory of all processes together, in KiB.
service_memory()
{
	for pid in $(service_processes); do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '/^Pss:/ { n += $2 } END { print n }'
}
