# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 1800
#
# Thousands of allocations by both generations of the ABI, for 64-bit and i386 programs. With --long 4,096
# children, and 1,024 buffers of each size on every heap, which take minutes; else fewer, and the fewest under
# emulation, where one takes that many times longer.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

children=16
count=4
rounds=1
[ "$WHERE" != fuse ] || children=512 count=64 rounds=8
[ -z "$CUSION_LONG" ] || children=4096 count=1024 rounds=8
if start_service; then
	client many -o $children -n $count -b $rounds
	client many32 -o $children -n $count -b $rounds
	check "all that the service knows agrees" cusion check
fi
finish
