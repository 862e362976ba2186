# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 300
#
# What programs of the wild were seen to need, for 64-bit and i386 programs.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client wild -x "$(exporter)"
	client wild32 -x "$(exporter)"
	check "all that the service knows agrees" cusion check
fi
finish
