# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 600
#
# Each process of the service is killed in turn; the service lives on, or goes as a whole.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# process NAME: the pid of the keeper's child of that name
process()
{
	for pid in $(service_processes); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
	done
}

# within_5_s COMMAND...: whether it succeeds before that
within_5_s()
{
	tries=50
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# another NAME PID: a process of that name serves that isn't PID
another()
{
	now=$(process "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# serves_anew: the new worker's node can be opened
serves_anew()
{
	if [ "$WHERE" = fuse ]; then
		grep -q " $scratch/door " /proc/self/mounts && [ -e "$scratch/door/ion" ]
	else
		[ -c /dev/ion ]
	fi
}

if start_service; then
	keeper_pid=$keeper
	injector=$(process cusion-injector)
	worker=$(process cusion-worker)
	check "the worker is not root" [ "$(stat -c %u "/proc/$worker")" != 0 ]
	same "the worker has no capability" 0000000000000000 \
		"$(sed -n 's/^CapPrm:[^0-9a-f]*//p' "/proc/$worker/status")"
	same "the worker can gain none" 1 \
		"$(sed -n 's/^NoNewPrivs:[^0-9]*//p' "/proc/$worker/status")"
	same "the injector has no filter" 0 \
		"$(sed -n 's/^Seccomp:[^0-9]*//p' "/proc/$injector/status")"

	kill -KILL "$injector"
	# at once: what is asked for meanwhile waits for the new one
	client errnos -b 0
	check "there is a new injector" another cusion-injector "$injector"
	check "the worker is the same" [ "$(process cusion-worker)" = "$worker" ]

	opener=$(process cusion-opener)
	if [ -n "$opener" ]; then # where there is no udmabuf
		same "the opener has CAP_SYS_ADMIN alone" 0000000000200000 \
			"$(sed -n 's/^CapPrm:[^0-9a-f]*//p' "/proc/$opener/status")"
		kill -KILL "$opener"
		check "there is a new opener" within_5_s another cusion-opener "$opener"
		client classic_open
		check "the worker is the same" [ "$(process cusion-worker)" = "$worker" ]
	fi

	[ "$WHERE" != fuse ] || umount /dev/ion
	kill -KILL "$worker"
	check "there is a new worker" within_5_s another cusion-worker "$worker"
	check "it serves" within_5_s serves_anew
	[ "$WHERE" != fuse ] || mount --bind "$scratch/door/ion" /dev/ion
	check "the keeper is the same" [ -d "/proc/$keeper_pid" ]
	client errnos -b 0
	check "the log says that it was killed" grep -q 'worker was killed by signal 9' "$scratch/log"

	injector=$(process cusion-injector)
	worker=$(process cusion-worker)
	kill -KILL "$keeper_pid"
	wait "$service"
	service=''
	check "the worker goes with the keeper" within_5_s [ ! -d "/proc/$worker" ]
	check "so does the injector" within_5_s [ ! -d "/proc/$injector" ]
	if [ "$WHERE" = fuse ]; then
		umount /dev/ion
		umount "$scratch/door"
	else
		check "and the node" within_5_s [ ! -e /dev/ion ]
	fi
fi
if start_service; then
	client errnos -b 0
fi
finish
