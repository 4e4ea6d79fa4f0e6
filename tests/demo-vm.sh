#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A virtual machine on a port, before your eyes: stock QEMU attaches to the
# socket of its interface, the guest's driver makes it a network device, and a
# host program on the same switch answers its pings. Leaves nothing behind.
#
#	tests/demo-vm.sh [BUILD]	$PTNET_KERNELS has the guest's kernel
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/demo-common.sh
. tests/demo-common.sh "${1:-build}" engine
kernels=$(realpath "${PTNET_KERNELS:-$build/kernels}")
module=$build/kmod/$(cat "$kernels/6.1/release")/ptnet.ko

start_daemon

title "A topology: a switch, a port for a host program, an interface of a VM"
typed cat topologies/vm-and-host.yaml
typed ptnetctl apply topologies/vm-and-host.yaml || fail "it was not applied"

title "The host program has the address 10.0.0.1 there"
echo "  \$ answer $run_dir/ports/answerer.sock 10.0.0.1 &"
"$build/examples/answer" "$run_dir/ports/answerer.sock" 10.0.0.1 \
	2>"$dir/answer.log" &
until_true 10 grep -q ready "$dir/answer.log" || fail "it does not come up"

title "What QEMU needs for the VM's interface"
typed ptnetctl vm args solo || fail "no options"

title "QEMU with these options, Debian's kernel and busybox; it loads ptnet.ko"
script='ip addr add 10.0.0.2/24 dev eth0 && ip link set eth0 up
sleep 1; ethtool -i eth0 | head -n 2; ping -c 5 10.0.0.1 || exit
sleep 3; dmesg | grep "ptnet 0000"'
options=()
for word in $(ptnetctl vm args solo); do
	options+=("--qemu=$word")
done
echo "  \$ qemu-system-x86_64 ... \$(ptnetctl vm args solo)"
tests/kernel/guest --kernels "$kernels" --module "$module" --root none \
	--mem 512M --file /sbin/ethtool "${options[@]}" -- sh -c "$script" \
	>"$dir/guest.log" 2>&1 &
guest=$!
until_true 90 grep -q 'packets received' "$dir/guest.log" ||
	fail "the guest does not ping"

title "Meanwhile on the host"
typed ptnetctl vm status || fail "no status"

title "What the guest printed"
wait $guest || fail "the guest did not end well"
sed 's/^/    /' "$dir/guest.log"
grep -q ' 0% packet loss' "$dir/guest.log" || fail "pings were lost"
echo
echo "All pings were answered."
