# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: systemd
# limit: 120
#
# The nodes of /dev/dma_heap, by udev: mode and group are right in the moment that the service is ready, and what
# the configuration says wins over udev's rules.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

node=/dev/dma_heap/reserved

# as USER COMMAND...
as()
{
	user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

kernels=$(ls /dev/dma_heap 2>/dev/null)
systemctl start cusiond
same "systemctl start" 0 $?
# At once: no waiting between the start and the client.
as member "$TESTS/dmaheap" -d $node
same "a member of the group allocates" 0 $?
for name in carveout linux,cma reserved default_cma_region; do
	same "mode and group of $name" "660 root:cusion" "$(stat -c '%a %U:%G' "/dev/dma_heap/$name")"
done
as outsider cat $node 2>"$scratch/denied"
check "an outsider is refused" grep -q 'Permission denied' "$scratch/denied"
udevadm info $node 2>&1 | comment
check "udev knows who may, at the machine" sh -c "udevadm info $node | grep -q uaccess"
systemctl stop cusiond
same "the nodes are gone" "$kernels" "$(ls /dev/dma_heap 2>/dev/null)"

mkdir -p /etc/cusion
printf '[device ion]\nmode = 0600\n[device dma_heap]\nmode = 0666\n' >/etc/cusion/cusiond.conf
systemctl start cusiond
same "the configured mode of a dma-heap" "666 root:cusion" "$(stat -c '%a %U:%G' $node)"
same "the configured mode of ion" "600 root:cusion" "$(stat -c '%a %U:%G' /dev/ion)"
as outsider "$TESTS/dmaheap" -d $node
same "everybody may, then" 0 $?
systemctl stop cusiond
rm /etc/cusion/cusiond.conf
finish
