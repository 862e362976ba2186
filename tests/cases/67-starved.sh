# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 120
#
# A caller that gets hardly any CPU has its fds all the same.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

hogs=24
[ "$WHERE" = fuse ] || hogs=2 # an emulated machine is some twenty times slower
if start_service; then
	pids=$(service_processes | paste -s -d , -)
	"$TESTS/odd" -u 2001 plain | comment
	same "the service's fds and threads are counted" 0 "$("$TESTS/calm" -p "$pids" -s "$scratch/before"; echo $?)"
	client starved -T 110 -o $hogs
	check "the service is calm" "$TESTS/calm" -p "$pids" -s "$scratch/before"
fi
finish
