#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# at_dev_ion.sh NODE COMMAND...: COMMAND in a mount namespace in which /dev/ion is NODE. For programs
# that can't be told of another node, where the service serves a file (--frontend fuse=DIR). As root.
set -eu

if [ $# -lt 2 ]; then
	echo "usage: at_dev_ion.sh NODE COMMAND..." >&2
	exit 2
fi
node=$(realpath "$1")
shift
# shellcheck disable=SC2016 # for the inner shell to expand
exec unshare --mount --propagation private sh -eu -c '
	mount -t tmpfs -o mode=755 none /mnt
	mkdir /mnt/dev
	mount --rbind /dev /mnt/dev
	mount -t tmpfs -o mode=755 none /dev
	for name in null zero random urandom tty; do
		touch /dev/$name
		mount --bind /mnt/dev/$name /dev/$name
	done
	ln -s /proc/self/fd /dev/fd
	touch /dev/ion
	mount --bind "$0" /dev/ion
	exec "$@"' "$node" "$@"
