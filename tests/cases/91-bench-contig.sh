# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# limit: 200
#
# What contiguous memory costs that was cleared before, against the kernel's own heap of pages.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if start_service; then
	# what is yet to be cleared, in all areas
	cat >"$scratch/dirty" <<-'END'
		#!/bin/sh
		exec cusion heaps --json | tr '":,' '   ' | awk '$1 == "dirty" { n += $2 } END { print n + 0 }'
	END
	chmod 755 "$scratch/dirty"
	"$TESTS/bench_contig" -n "${CUSION_LONG:+1}15" -c "$scratch/dirty" >"$scratch/figures"
	same "bench_contig ends with status 0" 0 $?
	sed 's/^/# figure: /' "$scratch/figures"
fi
finish
