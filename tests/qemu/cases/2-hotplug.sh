# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: device_del and device_add of another drive as the same NSID under fio with deep queues
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1,uuid=00000001-0000-4000-8000-000000000001
# devices: nvme-ns,id=b,drive=d2,bus=nvme0,nsid=2,shared=off
# devices: nvme-ns,id=x,drive=d4,bus=nvme0,nsid=3,uuid=00000004-0000-4000-8000-000000000004
# limit: 600
# allow: identifiers changed for nsid 3|IDs don't match|Identify Descriptors failed|I/O Cmd|I/O error|nvme.n3
uuid() { printf '%08x-0000-4000-8000-%012x' "$1" "$1"; }
need "namespaces" see 15000 +1@0 +1@1 +2@0 +3@0 +3@1 +3
load a 1 3000 --iodepth=16 $verify
load b 2 3000 --iodepth=16 $verify
: > /tmp/swaps
for i in $(seq "${COUNT:-50}"); do
  n=$((4 + i % 3))
  load x 3 3000 --size=64m --offset=1m --bs=4k --iodepth=128 --numjobs=2 --rw=randrw
  usleep $((200000 + i * 7919 % 300000))
  claim "fio runs" running x
  if timed 20000 "swap x d$n nsid=3 uuid=$(uuid $n)" "+3=$(uuid $n)" "+3=$(uuid $n)@0" \
    "+3=$(uuid $n)@1"; then
    echo "$answer $view" >> /tmp/swaps
  else
    fail "swap $i"
    nsview list
    nsview paths
  fi
  end_load x
  [ "$fio_rc" != 0 ] || fail "fio saw nothing of swap $i"
  [ "$(head -c 8 "$(dev 3)")" = "drive d$n" ] || fail "swap $i: '$(head -c 8 "$(dev 3)")', not d$n"
done
claim "${COUNT:-50} swaps" is "$(wc -l < /tmp/swaps)" "${COUNT:-50}"
cut -d ' ' -f 1 /tmp/swaps | stats "swap answered: DEVICE_DELETED and device_add"
cut -d ' ' -f 2 /tmp/swaps | stats "new disk by both paths"
stop_load a
claim "no error on the shared neighbour" ended_well a
stop_load b
claim "no error on the private neighbour" ended_well b
claim "no process hangs" no_hung_process
finish
