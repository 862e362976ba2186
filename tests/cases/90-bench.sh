# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 200
#
# What a call costs; no pass mark, the figures are shown.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

count=1000
[ "$WHERE" = fuse ] || count=300
[ -z "$CUSION_LONG" ] || count=11000
if start_service; then
	"$TESTS/bench_ioctl" -n $count >"$scratch/figures"
	same "bench_ioctl ends with status 0" 0 $?
	sed 's/^/# figure: /' "$scratch/figures"
fi
finish
