# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# Every refusal of the ABI, for 64-bit and i386 programs, where handles are known and where not. A client's
# 4,096 buffers, which take minutes under emulation, are held by one program on one kernel, but with --long by
# both everywhere.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

first=4096
second=0
[ -c /dev/udmabuf ] || [ "$WHERE" = fuse ] || first=0
[ -z "$CUSION_LONG" ] || first=4096 second=4096
if start_service; then
	client errnos -b $first
	client errnos32 -b $second
	stop_service
fi
printf '[device ion]\nabi = modern\n' >"$scratch/conf"
daemon="$daemon --config $scratch/conf"
if start_service; then
	client errnos -a modern -b 0
	client errnos32 -a modern -b 0
fi
finish
