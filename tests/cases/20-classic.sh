# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 60
#
# The flow that secure applications were written in, by ion_open() and by the path.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client classic
	client classic_open
fi
finish
