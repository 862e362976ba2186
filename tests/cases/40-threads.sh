# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 1200
#
# Eight threads under an interval timer: no EINTR, no wrong or duplicate fd.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	client threads
	client threads32 -n "${CUSION_LONG:+10}100"
fi
finish
