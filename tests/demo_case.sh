# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 60
#
# What ./demo shows, where the service has a CUSE device: here or in the test machine.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

if ! start_service >"$scratch/points"; then
	cat "$scratch/points"
	rm -rf "$scratch"
	exit 1
fi
echo "\$ uname -r; ls -l /dev/ion"
uname -r
ls -l /dev/ion
echo
echo "\$ hello_ion cusion status     # the program, and the service's view while it holds its buffer"
"$TESTS/hello_ion" cusion status
status=$?
stop_service >"$scratch/points"
! grep '^not ok' "$scratch/points" || status=1
rm -rf "$scratch"
exit $status
