# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# limit: 30
#
# The machine itself: the reference kernel's devices are there.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

check "cuse can be loaded" modprobe cuse
check "/dev/cuse is there" [ -c /dev/cuse ]
case $(uname -r) in
6.1.*) ;;
*) check "/dev/udmabuf is there" [ -c /dev/udmabuf ] ;;
esac
uname -r | comment
finish
