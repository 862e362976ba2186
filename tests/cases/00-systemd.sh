# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: systemd
# limit: 60
#
# The machine itself: systemd runs, udev answers, the rules and users of cusion are installed.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

check "systemd is the first process" [ "$(cat /proc/1/comm)" = systemd ]
check "udev answers" udevadm settle --timeout=20
check "the module is loaded at boot" [ -d /sys/module/cuse ]
check "the worker's user is there" getent passwd cusion
check "a user of the group is there" sh -c 'id -nG member | grep -qw cusion'
check "the unit is sound" systemd-analyze verify --man=no cusiond.service
systemctl --failed --no-legend --plain | comment
finish
