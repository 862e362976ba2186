# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# limit: 120
# modules: vgem
#
# A DRM driver imports buffers of every heap by PRIME: the same bytes, and it holds them as long as it likes.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

check "the DRM test driver" modprobe vgem
if start_service; then
	held=$(held_command)
	for mask in 1 2 4 16; do
		echo "# heap mask $mask"
		client vgem -M $mask -c "$held"
	done
	check "all that the service knows agrees" cusion check
fi
finish
