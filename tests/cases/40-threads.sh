# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 1200
#
# Eight threads under an interval timer: no EINTR, no wrong or duplicate fd. A thousand allocations each;
# fewer under emulation, where one takes that many times longer, but with --long.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

count=1000
[ "$WHERE" = fuse ] || [ -n "$CUSION_LONG" ] || count=30
if start_service; then
	client threads -n $count
	client threads32 -n $count
fi
finish
