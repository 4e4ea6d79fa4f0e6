#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The main job, before your eyes: a topology is applied, real frames cross a
# VALE switch and a pipe, and what arrived is what was sent. Leaves nothing
# behind.
#
#	tests/demo.sh [BUILD [engine | kernel]]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/demo-common.sh
. tests/demo-common.sh "${1:-build}" "${2:-engine}"

# attach NAME COMMAND...: in the background; returns once it is on its port
attach() {
	local name=$1
	shift
	"$@" >"$dir/$name" 2>"$dir/$name.err" &
	until_true 30 grep -q ready "$dir/$name.err" ||
		fail "$name does not come up: $(cat "$dir/$name.err")"
}

number() {
	jq -r ".$2" <"$dir/$1"
}

# exchange FROM TO COUNT SIZE [SEND OPTIONS]: send, receive, compare
exchange() {
	local from=$1 to=$2 count=$3 size=$4 receiver
	shift 4
	echo "  \$ ptnetctl traffic recv --port $to --count $count --check &"
	attach received ptnetctl traffic recv --port "$to" --count "$count" \
		--check --timeout 10 -o json
	receiver=$!
	echo "  \$ ptnetctl traffic send --port $from --count $count" \
		"--size $size${*:+ $*}"
	ptnetctl traffic send --port "$from" --count "$count" --size "$size" \
		"$@" -o json >"$dir/sent" || fail "$from could not send"
	wait "$receiver" || fail "$to did not receive what was sent"
	for what in sent received; do
		printf '    %-9s %6d frames, %9d bytes\n' "$what" \
			"$(number $what frames)" "$(number $what bytes)"
	done
	[ "$(number sent frames)" = "$count" ] || fail "not all was sent"
	for what in frames bytes; do
		[ "$(number sent $what)" = "$(number received $what)" ] ||
			fail "$to did not receive the $what that $from sent"
	done
	for what in lost reordered duplicated corrupt; do
		[ "$(number received $what)" = 0 ] ||
			fail "$(number received $what) frames $what at $to"
	done
}

start_daemon

title "A topology: a VALE switch with three ports, and a pipe"
typed cat topologies/demo.yaml
typed ptnetctl apply topologies/demo.yaml || fail "it was not applied"

title "From alice to bob through the switch"
exchange alice bob 1000 60 --dst 02:00:00:00:00:0b

title "And back, in frames of full size"
exchange bob alice 1000 1514 --dst 02:00:00:00:00:0a

title "There and back: bob sends back what he gets, alice takes the time"
echo "  \$ ptnetctl traffic forward --port bob &"
attach reflected ptnetctl traffic forward --port bob
reflector=$!
typed ptnetctl traffic ping --port alice --count 10 \
	--dst 02:00:00:00:00:0b || fail "bob did not answer"
kill $reflector
wait $reflector || fail "bob did not end well"

title "From left to right through the pipe, without a copy"
exchange left right 100000 60

title "What the ports counted"
typed ptnetctl get ports
lost=$(ptnetctl get ports -o json |
	jq '[.[] | select(.name == "left" or .name == "right") |
		.counters.drops[]] | add')
[ "${lost:-0}" = 0 ] || fail "the pipe dropped $lost frames"

title "And away with it"
typed ptnetctl delete topology demo || fail "it was not deleted"
typed ptnetctl get ports
echo
echo "All that was sent arrived."
