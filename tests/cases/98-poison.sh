# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# limit: 120
#
# A page that the hardware loses retires. It is gone for good, so this comes behind all that counts pages.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

check "a poisoned page costs its block and no more" env HUGE_POISON=1 "$TESTS/check_huge"
finish
