# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 900
#
# Ten thousand rounds of allocate and close leave nothing in the service.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client rounds -p "$(service_processes | paste -s -d , -)"
	check "all that the service knows agrees" cusion check
fi
finish
