# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 300
#
# The ABI with handles, for 64-bit and i386 programs.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client handles -x "$(exporter)"
	client handles32 -x "$(exporter)"
	check "all that the service knows agrees" cusion check
fi
finish
