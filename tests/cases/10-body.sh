# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# The main job, by programs that know nothing of cusion: static 64-bit, static i386, dynamic over libion.
# Under emulation all three have the largest buffers only with --long.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

most=200
[ "$WHERE" = fuse ] || [ -n "$CUSION_LONG" ] || most=1
if start_service; then
	client body -x "$(exporter)"
	client body32 -x "$(exporter)" -m $most
	client body_libion -x "$(exporter)" -m $most
	check "the service tells what it does" cusion status
fi
finish
