# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# limit: 300
# modules: vivid
#
# The kernel's own judge of contiguous memory, the V4L2 test camera: it takes what the heaps of contiguous
# memory give and refuses what the system heap gives. What it shows is looked at in the system heap's buffers
# only: this kernel maps huge pages wrongly for who writes them by CPU (ion(4), BUGS).
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# camera ALLOCATORS: the driver anew; 1: frames go where their addresses are adjacent, 0: anywhere
camera()
{
	[ ! -d /sys/module/vivid ] || modprobe -r vivid
	check "the camera: allocators=$1" modprobe vivid n_devs=1 node_types=0x1 allocators="$1"
}

# how often the camera's driver found adjacent pages too few
found_apart()
{
	dmesg | grep -c 'contiguous chunk is too small'
}

if start_service; then
	held=$(held_command)
	camera 1
	apart=$(found_apart)
	client vivid -e accept -M 16
	client vivid -e accept -M 4
	client vivid -e accept -M 2 -m 4 # what a page allocator has
	client vivid -e held -M 16 -c "$held"
	same "the kernel found nothing wrong" "$apart" "$(found_apart)"
	client vivid -e refuse -M 1
	check "the kernel says why it refused the system heap's" [ "$(found_apart)" -ge $((apart + 12)) ]
	dmesg | grep 'contiguous chunk is too small' | tail -n 2 | comment
	camera 0
	client vivid -e picture -M 1
	client vivid -e held -M 1 -c "$held"
	modprobe -r vivid
	check "all that the service knows agrees" cusion check
fi
finish
