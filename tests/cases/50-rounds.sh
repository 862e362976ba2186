# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 900
#
# Ten thousand rounds of allocate and close leave nothing in the service; fewer under emulation, but with
# --long.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

count=10000
[ "$WHERE" = fuse ] || [ -n "$CUSION_LONG" ] || count=1000
if start_service; then
	client rounds -n $count -p "$(service_processes | paste -s -d , -)"
	check "all that the service knows agrees" cusion check
fi
finish
