# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 900
#
# Clients are killed at random and at every stop point, and stopped in mid-delivery; nothing is left of
# them, and the others don't notice.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

chmod 711 "$scratch" # its clients are several users

memory=''
storm=60
stops=30
every=1
if [ "$WHERE" != fuse ]; then
	memory=-m
	storm=20
	stops=5
	every=6
fi
if [ -n "$CUSION_LONG" ]; then
	storm=500
	stops=50
	every=1
fi
if start_service; then
	client deaths $memory -d "$(node)" -n "$storm" storm
	stop_service
fi
if use_stop_points && start_service; then
	client deaths $memory -d "$(node)" -b "$STOP_POINTS" -e "$every" clients
	client deaths $memory -d "$(node)" -b "$STOP_POINTS" -n "$stops" stopped
fi
finish
