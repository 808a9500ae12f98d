# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: swaps while the guest resets its controllers under load
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1,uuid=00000001-0000-4000-8000-000000000001
# devices: nvme-ns,id=x,drive=d4,bus=nvme0,nsid=3,uuid=00000004-0000-4000-8000-000000000004
# limit: 300
# allow: identifiers changed for nsid 3|IDs don't match|Identify Descriptors failed|I/O Cmd|I/O error|nvme.n3
uuid() { printf '%08x-0000-4000-8000-%012x' "$1" "$1"; }
need "namespaces" see 15000 +1@0 +1@1 +3@0 +3@1 +3
# shellcheck disable=SC2046
set -- $(ctrls)
A=/dev/$1 B=/dev/$2
load a 1 3000 --iodepth=32 $verify
: > /tmp/swaps
for i in $(seq "${COUNT:-12}"); do
  n=$((4 + i % 3))
  c=$A
  [ $((i % 2)) = 0 ] || c=$B
  load x 3 3000 --size=64m --offset=1m --iodepth=128 --rw=randrw
  usleep 300000
  # Linux 6.1 may hang in nvme_wait_freeze, with nothing outstanding here, when a reset begins while it
  # scans for a change; so the change comes while the reset runs, and no reset while it scans.
  nvme reset "$c" &
  usleep $((30000 + i * 7919 % 200000))
  quiet ctl 'del x' || fail "del $i"
  wait $!
  end_load x
  see 30000 -3 || fail "swap $i: the old one is still there"
  quiet ctl "add x d$n nsid=3 uuid=$(uuid $n)" || fail "add $i"
  see 30000 "+3=$(uuid $n)" "+3=$(uuid $n)@0" "+3=$(uuid $n)@1" || {
    fail "swap $i"
    nsview list
    nsview paths
  }
  [ "$(head -c 8 "$(dev 3)")" = "drive d$n" ] || fail "swap $i: '$(head -c 8 "$(dev 3)")', not d$n"
done
claim "at the end both paths" see 30000 +1@0 +1@1
stop_load a
claim "no error on the neighbour" ended_well a
claim "no process hangs" no_hung_process
finish
