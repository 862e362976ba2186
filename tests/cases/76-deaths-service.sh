# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 900
#
# The injector and the worker are killed at each of their stop points: a client hears of it or is served,
# never wrongly, and the service serves again.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

chmod 711 "$scratch" # its clients are several users

every=1
[ "$WHERE" = fuse ] || [ -n "$CUSION_LONG" ] || every=6
if use_stop_points && start_service; then
	[ "$WHERE" != fuse ] || umount /dev/ion
	client deaths -d "$(node)" -b "$STOP_POINTS" -e "$every" injector
	client deaths -d "$(node)" -b "$STOP_POINTS" -e "$every" worker
	[ "$WHERE" != fuse ] || mount --bind "$(node)" /dev/ion
	check "all that the service knows agrees" cusion check
fi
finish
