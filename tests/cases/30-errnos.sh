# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# Every refusal of the ABI, for 64-bit and i386 programs.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client errnos
	client errnos32
fi
finish
