# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the cases of tests/cases share: the service, its clients, points of TAP. Sourced; POSIX sh,
# busybox's too. $TESTS is the folder of the tests' programs; $WHERE says which machine this is:
#
#	vm	the test machine: the service has a CUSE device
#	fuse	tests/fuse_door.sh: it has a file of its FUSE mount, which is bound to /dev/ion
#	systemd	the systemd machine: the service is a unit

points=0
service=''
daemon=cusiond
scratch=$(mktemp -d)

point()
{
	points=$((points + 1))
	echo "$1 $points - $2"
}

# skip WHAT REASON
skip()
{
	points=$((points + 1))
	echo "ok $points - $1 # SKIP $2"
}

# check WHAT COMMAND...: a point for COMMAND's success.
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

# The build of the service whose processes can be held at named points (base/stop_point.h); its board is
# $scratch/board. Fails, with a skip, where it was not built.
use_stop_points()
{
	if [ ! -x "$TESTS/cusiond_points" ]; then
		skip "what needs stop points" "no tests/cusiond_points in the stage"
		return 1
	fi
	daemon=$TESTS/cusiond_points
	export STOP_POINTS="$scratch/board"
}

# The service's own path of its device: a file of a FUSE mount goes with the worker, a bind mount stays.
node()
{
	if [ "$WHERE" = fuse ]; then
		echo "$scratch/door/ion"
	else
		echo /dev/ion
	fi
}

# How the service is started here, but for its log and what waits for it.
service_command()
{
	if [ "$WHERE" = fuse ]; then
		mkdir -p "$scratch/door"
		echo "$daemon --frontend fuse=$scratch/door"
	else
		modprobe cuse
		echo "$daemon"
	fi
}

# Returns when the service has said READY.
start_service()
{
	rm -f "$scratch/ready"
	mkfifo "$scratch/ready"
	# shellcheck disable=SC2046 # words
	"$TESTS/ready" -o "$scratch/ready" -- $(service_command) 2>"$scratch/log" </dev/null &
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
	[ "$WHERE" != fuse ] || mount --bind "$scratch/door/ion" /dev/ion
}

stop_service()
{
	[ "$WHERE" != fuse ] || umount /dev/ion
	kill -TERM "$service"
	wait "$service"
	status=$?
	service=''
	same "the service ends with status 0" 0 "$status"
	if [ "$WHERE" = fuse ]; then
		check "its mount is gone" [ ! -e "$scratch/door/ion" ]
	else
		check "its node is gone" [ ! -e /dev/ion ]
	fi
	comment <"$scratch/log"
}

# client PROGRAM ARGUMENT...: a program that knows nothing of cusion; its own points count.
client()
{
	program=$1
	shift
	if [ ! -x "$TESTS/$program" ]; then
		skip "$program" "it was not built"
		return
	fi
	"$TESTS/$program" "$@" </dev/null
	same "$program ends with status 0" 0 $?
}

# What a buffer is by default on this kernel, by the word of the service that has started: clients that
# look closely must be told.
exporter()
{
	if [ -c /dev/udmabuf ]; then
		echo dmabuf
	elif grep -q 'files of a FUSE mount, with passthrough' "$scratch/log"; then
		echo file
	elif grep -q 'files of a FUSE mount' "$scratch/log"; then
		echo cached
	else
		echo memfd
	fi
}

# A command for clients' option -c: prints how many bytes the service holds for its clients.
held_command()
{
	cat >"$scratch/held" <<-'END'
		#!/bin/sh
		exec cusion status --json | sed -n 's/^  "bytes": *\([0-9]*\).*/\1/p'
	END
	chmod 755 "$scratch/held"
	echo "$scratch/held"
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
