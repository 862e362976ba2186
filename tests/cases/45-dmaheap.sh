# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 240
#
# The nodes of /dev/dma_heap: which there are, and what each of them answers, to 64-bit and i386 programs. A
# node of the kernel's own is let be.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

names='system carveout linux,cma reserved default_cma_region'
kernels=''
if [ "$WHERE" = fuse ]; then
	folder=$scratch/door/dma_heap
else
	folder=/dev/dma_heap
	for name in $names; do
		[ ! -e "$folder/$name" ] || kernels="$kernels $name"
	done
fi

# those of the kernel, $1 and the next ones
is_kernels()
{
	case " $kernels " in
	*" $1 "*) true ;;
	*) false ;;
	esac
}

listing()
{
	find "$folder" -mindepth 1 -maxdepth 1 2>/dev/null | sed 's|.*/||' | sort | tr '\n' ' '
}

check_kernels()
{
	check "the log says that $1 is the kernel's" \
		grep -q "the kernel has /dev/dma_heap/$1 itself" "$scratch/log"
	check "it is as it was" [ "$(stat -c '%t:%T' "$folder/$1")" = "$kernel_device" ]
	client dmaheap -d "$folder/$1" -m 0
}

[ -z "$kernels" ] || kernel_device=$(stat -c '%t:%T' "$folder/system")
if start_service; then
	# shellcheck disable=SC2086 # words
	same "the nodes" "$(printf '%s\n' $names | sort | tr '\n' ' ')" "$(listing)"
	for name in $names; do
		if is_kernels "$name"; then
			check_kernels "$name"
			continue
		fi
		same "mode and group of $name" "660 cusion" "$(stat -c '%a %G' "$folder/$name")"
		client dmaheap -d "$folder/$name" -x "$(exporter)"
	done
	client dmaheap32 -d "$folder/reserved" -x "$(exporter)"
	client classic
	check "the service's records agree" cusion check
	cusion status | comment
	stop_service
fi
same "the kernel's nodes alone are left" "${kernels# }" "$(listing | sed 's/ $//')"

printf '[device dma_heap]\nnames = none\n' >"$scratch/conf"
served=$daemon
daemon="$served --config $scratch/conf"
if start_service; then
	same "no nodes where none are wanted" "${kernels# }" "$(listing | sed 's/ $//')"
	stop_service
fi

printf '[heap system]\nkind = system\nid = 9\n\n[heap ion_system_heap]\nalias-names = plain\n\n' >"$scratch/conf"
printf '[device dma_heap]\nnames = plain linux,cma\nmode = 0644\ngroup = root\n' >>"$scratch/conf"
if start_service; then
	for name in plain linux,cma; do
		same "a listed node, $name" "644 root" "$(stat -c '%a %G' "$folder/$name")"
	done
	check "no other one" [ ! -e "$folder/reserved" ]
	client dmaheap -d "$folder/plain" -x "$(exporter)"
fi
finish
