# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# limit: 1800
#
# The heaps of contiguous memory, as a program sees them: the main job on each; neighbours in one huge page
# that reach for each other's bytes; what was anybody's is never seen again; a buffer belongs to its holders.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# an emulated machine is some twenty times slower
rounds=1500
seconds=30
if [ -n "$CUSION_LONG" ]; then
	rounds=20000
	seconds=600
fi

# places HEAP SIZE ALIGN: buffers of it are each at one place, aligned, and none is in another
places()
{
	cusion alloc --heap "$1" --size "$2" --count 5 -- \
		sh -c "cusion buffers --physical --json >$scratch/buffers" >"$scratch/out"
	tr '":,' '   ' <"$scratch/buffers" | awk '
	$1 == "size" { size = $2 }
	$1 == "address" { address = $2 }
	$1 == "length" { adjacent = $2 }
	$1 == "contiguous" { print address, size, adjacent, $2 }' | sort -n >"$scratch/places"
	comment <"$scratch/places"
	# shellcheck disable=SC2016 # they are awk's
	check "$1: 5 buffers of $2, each at an address of its own" awk -v align="$3" '
	$1 == 0 || $1 % align || $3 != $2 || $4 != "true" || $1 < end { bad = 1 }
	{ end = $1 + $2 }
	END { exit bad || NR != 5 }' "$scratch/places"
}

if start_service; then
	places linux,cma 5M 4096
	places linux,cma 70000 4096
	places carveout 12K 4096
	places ion_system_contig_heap 70000 131072
	held=$(held_command)
	# system_contig, carveout, dma: ids 1, 2 and 4
	for mask in 2 4 16; do
		echo "# heap mask $mask"
		client body -x dmabuf -m 1 -M $mask
		client isolation -M $mask
		client holder -M $mask -c "$held"
	done
	client body32 -x dmabuf -m 64 -M 16
	client holder -M 1 -c "$held"
	client threads -n $((rounds / 30)) -M 16
	client stale -n $rounds -b $seconds -T $((seconds + 60)) -M 22
	client stale -n $rounds -b $seconds -T $((seconds + 60)) -M 23
	check "all that the service knows agrees" cusion check
	same "nothing is held in the end" 0 "$("$held")"
fi
finish
