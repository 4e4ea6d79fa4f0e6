#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the demos share, to be sourced with the build directory and the backend:
# a directory that is gone afterwards, a daemon that keeps all in it, and how
# things are shown.
build=$(realpath "$1")
backend=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/ptnet-demo.XXXXXX")
run_dir=$dir/run
export PATH=$build:$PATH PTNET_SERVER=unix:$run_dir/ptnetd.sock

# The daemon first: it would start another engine.
finish() {
	local running
	running=$(jobs -p)
	# shellcheck disable=SC2086 # one word a process
	[ -z "$running" ] || kill $running 2>/dev/null || true
	wait
	ptnetd --backend "$backend" --teardown --run-dir "$run_dir" \
		>/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

bold='' plain=''
[ ! -t 1 ] || { bold=$'\e[1m' plain=$'\e[0m'; }

title() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Show a command as one would type it, and run it.
typed() {
	printf '  $ %s\n' "$*"
	"$@" | sed 's/^/    /'
	return "${PIPESTATUS[0]}"
}

fail() {
	printf '\nFAILED: %s\n' "$*" >&2
	for log in "$dir"/*.log "$run_dir/engine.log"; do
		[ ! -s "$log" ] || sed "s|^|  ${log##*/}: |" "$log" >&2
	done
	exit 1
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

start_daemon() {
	title "The daemon, on the $backend backend, with all it keeps in $dir"
	echo "  \$ ptnetd --backend $backend --state-dir $dir/state" \
		"--run-dir $run_dir &"
	ptnetd --backend "$backend" --state-dir "$dir/state" \
		--run-dir "$run_dir" >"$dir/ptnetd.log" 2>&1 &
	until_true 30 ptnetctl status || fail "ptnetd does not answer"
}
