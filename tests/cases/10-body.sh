# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# The main job, by programs that know nothing of cusion: static 64-bit, static i386, dynamic over libion.
# Under emulation the largest buffers are for the first of them, and without udmabuf, where memory is
# there twice, for none; but with --long for all.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

first=200
most=200
if [ "$WHERE" != fuse ] && [ -z "$CUSION_LONG" ]; then
	[ -c /dev/udmabuf ] || first=64
	most=1
fi
if start_service; then
	client body -x "$(exporter)" -m $first
	client body32 -x "$(exporter)" -m $most
	client body_libion -x "$(exporter)" -m $most
	check "the service tells what it does" cusion status
fi
finish
