#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The first process of a case's namespaces; started by tests/fuse_door.sh alone:
#	fuse_inside.sh STAGE FOLDER SECONDS CASE
# FOLDER is an empty one to mount things on.
set -u
stage=$1
work=$2
seconds=$3
case=$4

# A /dev with what a client needs; /dev/ion waits for the service's file to be bound to it.
make_dev()
{
	local dev=$work/dev name

	mkdir -p "$dev/pts" "$dev/shm"
	for name in null zero full random urandom tty fuse udmabuf; do
		[ -e "/dev/$name" ] || continue
		touch "$dev/$name"
		mount --bind "/dev/$name" "$dev/$name"
	done
	mount -t tmpfs -o mode=1777 none "$dev/shm"
	touch "$dev/ion"
	ln -s /proc/self/fd "$dev/fd"
	mount --rbind "$dev" /dev
}

# The worker's user, where cusion isn't installed.
add_users()
{
	local file

	cp /etc/passwd /etc/group "$work/"
	getent passwd cusion >/dev/null || echo 'cusion:x:990:990:cusion:/:/bin/sh' >>"$work/passwd"
	getent group cusion >/dev/null || echo 'cusion:x:990:' >>"$work/group"
	for file in passwd group; do
		mount --bind "$work/$file" "/etc/$file"
	done
}

# Prints the processes of the namespace but its first one and the shell that asks.
others()
{
	local process

	for process in /proc/[0-9]*; do
		case ${process#/proc/} in
		1 | "$BASHPID") continue ;;
		esac
		tr '\0' ' ' <"$process/cmdline" 2>/dev/null | sed "s|^|# ${process#/proc/} |; s|\$|\n|"
	done
}

# A case that leaves processes behind has failed. One that is ending gets the time for it.
left_behind()
{
	local left i

	for ((i = 0; i < 30; i++)); do
		left=$(others)
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	printf 'Bail out! processes left behind\n%s\n' "$left"
	return 1
}

mount -t tmpfs -o mode=755 none "$work" || exit
make_dev
add_users
mount -t tmpfs none /run
cd / || exit
export TESTS=$stage/tests WHERE=fuse LD_LIBRARY_PATH=$stage/usr/lib
export PATH=$stage/usr/sbin:$stage/usr/bin:$PATH
timeout -k 5 "$seconds" sh "$case" </dev/null || exit
left_behind
