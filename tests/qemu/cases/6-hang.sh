# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: a backend that hangs, with a deadline: nobody else notices, the device goes when it is back
# devices: nvme-subsys,id=subsys0,nqn=nvmens,deadline-ms=3000
# devices: nvme,id=nvme0,serial=s,subsys=subsys0 nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1
# limit: 240
# allow: I/O Cmd|I/O error|nvme.n2|I/O . QID|timeout, aborting|Abort status
need "namespaces" see 15000 +1@0 +1@1
A=/dev/nvme0 B=/dev/nvme1
[ "$(cntlid nvme0)" = 0 ] || { A=/dev/nvme1 B=/dev/nvme0; }
claim "an NBD drive" quiet ctl 'nbd start'
claim "device_add" quiet ctl 'add n n1 nsid=2 shared=off'
need "seen" see 10000 +2@0 +2
load a 1 3000 --iodepth=16 $verify
load n 2 3000 --iodepth=64
sleep 1
note "detached by the guest"
claim "the server hangs" quiet ctl 'nbd hang'
sleep 1
# by the other controller: after a command of its own Linux waits until it has removed the disk
t=$(ms)
claim "detach: answered" code 0 nvme detach-ns "$B" -n 2 -c 0
t=$(($(ms) - t))
claim "at the deadline ($t ms)" [ $t -ge 2500 ] && [ $t -le 9000 ]
claim "it is not listed" is "$(nsids "$A")" '1 '
t=$(ms)
claim "QMP answers" quiet ctl 'qmp query-block'
t=$(($(ms) - t))
claim "at once ($t ms)" [ $t -le 2000 ]
claim "attach while it drains: 006h" code 6 nvme attach-ns "$B" -n 2 -c 0
claim "fio on the neighbour runs" running a
claim "the server goes on" quiet ctl 'nbd go'
claim "the device goes" see 20000 -2
end_load n
claim "attach" code 0 nvme attach-ns "$B" -n 2 -c 0
claim "back" see 10000 +2@0 +2
note "unplugged by the machine"
load n 2 3000 --iodepth=64
sleep 1
claim "the server hangs" quiet ctl 'nbd hang'
sleep 1
claim "device_del" quiet ctl 'del n nowait'
claim "again: refused" refused ctl 'del n'
claim "the guest does not see it any more" is "$(nsids "$A")" '1 '
sleep 5
claim "not released after the deadline: it still has commands" quiet ctl 'still n'
claim "QMP answers" quiet ctl 'qmp query-block'
claim "fio on the neighbour runs" running a
claim "its drive is in use" refused ctl 'qmp blockdev-del {"node-name":"n1"}'
note "the machine takes the connection away"
claim "yank" quiet ctl 'yank n1'
claim "DEVICE_DELETED" quiet ctl 'gone n 10'
claim "the device goes" see 20000 -2
end_load n
claim "the drive is free" quiet ctl 'qmp blockdev-del {"node-name":"n1"}'
stop_load a
claim "no error on the neighbour" ended_well a
claim "no process hangs" no_hung_process
finish
