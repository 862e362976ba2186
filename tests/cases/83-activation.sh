# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# machine: nodes
# limit: 120
#
# An area has to be in one zone of one node, as the kernel's CMA: else it is refused, with the reason, and the
# service goes on without it; or cut, where it may be.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# area LINE...: a configuration with these lines about the area main
area()
{
	{
		echo '[area main]'
		printf '%s\n' "$@"
	} >"$scratch/conf"
	daemon="cusiond --config $scratch/conf"
}

# refused WHAT PATTERN: the area isn't there, by the log for that reason, and the service is
refused()
{
	start_service || return
	check "$1: it is refused" grep -q 'area main could not be activated: frame ' "$scratch/log"
	check "$1: the log says why" grep -q "could not be activated: $2" "$scratch/log"
	check "$1: its heaps aren't there" sh -c '! cusion alloc --heap linux,cma --size 4K'
	client stale -n 80 -M 1
	stop_service
}

# cut WHAT PATTERN: the area is there, but for what the log names
cut()
{
	start_service || return
	check "$1: the log says that it is cut, and why" \
		grep -q "area main leaves out what is against its rules: frame .*$2" "$scratch/log"
	client stale -n 200 -M 16
	check "all that the service knows agrees" cusion check
	stop_service
}

same "the machine has two nodes" "0-1" "$(cat /sys/devices/system/node/online)"

area 'ceiling = 700M'
refused "two nodes" 'frame .* is in zone .* of node'
area 'ceiling = 700M' 'partial = yes'
cut "two nodes" 'is in zone .* of node'

area 'ceiling = 700M' 'node = 0'
refused "two zones" 'frame .* is in zone [A-Za-z0-9]* of node 0, not [A-Za-z0-9]* of 0'
area 'ceiling = 700M' 'node = 0' 'partial = yes'
cut "two zones" 'of node 0, not'

area 'ceiling = 700M' 'node = 0' 'max-address = 1G'
refused "frames too high" 'frame .* is not below address 0x40000000'
area 'ceiling = 700M' 'node = 0' 'max-address = 1G' 'partial = yes'
cut "frames too high" 'is not below address 0x40000000'

area 'ceiling = 128M' 'node = 1'
if start_service; then
	check "one zone of the other node: all of it is taken" grep -q 'area main: 128 MiB' "$scratch/log"
	client stale -n 200 -M 16
fi
finish
