# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# The main job, by programs that know nothing of cusion: static 64-bit, static i386, dynamic over libion.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client body -x "$(exporter)"
	client body32 -x "$(exporter)"
	client body_libion -x "$(exporter)"
	check "the service tells what it does" cusion status
fi
finish
