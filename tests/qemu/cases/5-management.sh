# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: create, attach, detach, delete from the guest; attachments survive a reset (P10)
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1 nvme-ns,id=s,drive=d8,bus=nvme0,spare=on
# limit: 180
# allow: I/O Cmd|I/O error|nvme.n2
need "namespaces" see 15000 +1@0 +1@1
A=/dev/nvme0 B=/dev/nvme1
[ "$(cntlid nvme0)" = 0 ] || { A=/dev/nvme1 B=/dev/nvme0; }
create() { nvme create-ns "$A" -s 65536 -c 65536 -f 0 -m 1 "$@"; }
note "the drives: one spare"
claim "create" code 0 create
claim "it is allocated" is "$(nsids "$A" -a)" '1 2 '
claim "and attached nowhere" is "$(nsids "$A")$(nsids "$B")" '1 1 '
claim "no spare is left: 115h" code 115 create
claim "attach to both" code 0 nvme attach-ns "$A" -n 2 -c 0,1
claim "both paths" see 10000 +2@0 +2@1 +2:33554432
claim "it was zeroed" is "$(head -c 8 "$(dev 2)" | od -An -tx1)" ' 00 00 00 00 00 00 00 00'
note "detach and attach under load"
load b 2 3000 --size=16m --iodepth=64
sleep 1
claim "detach from one" code 0 nvme detach-ns "$A" -n 2 -c 1
claim "one path is left" see 10000 +2@0 -2@1
sleep 1
claim "fio goes on" running b
for c in "${A#/dev/}" "${B#/dev/}"; do
  claim "reset $c" quiet nvme reset "/dev/$c"
done
sleep 3
claim "the attachments are as they were" see 10000 +2@0 -2@1 +1@0 +1@1
claim "fio goes on" running b
claim "attach again" code 0 nvme attach-ns "$A" -n 2 -c 1
claim "both paths" see 10000 +2@0 +2@1
claim "already attached: 118h" code 118 nvme attach-ns "$A" -n 2 -c 1
claim "delete under load" code 0 nvme delete-ns "$A" -n 2
claim "gone" see 10000 -2 -2@0 -2@1
end_load b
claim "fio ended with an error" [ "$fio_rc" != 0 ]
claim "no longer allocated" is "$(nsids "$A" -a)" '1 '
note "the spare is back"
claim "create again, 4 KiB blocks" code 0 nvme create-ns "$A" -s 1024 -c 1024 -f 4 -m 1
claim "attach" code 0 nvme attach-ns "$A" -n 2 -c 0
claim "as large as asked for" see 10000 +2@0 +2:4194304
claim "write" quiet dd if=/dev/urandom of="$(dev 2)" bs=4096 count=16 oflag=direct
claim "delete 1, which device_add made" code 0 nvme delete-ns "$A" -n 1
claim "gone" see 10000 -1
claim "its drive is a spare now" code 0 create
claim "with the lowest free NSID" is "$(nsids "$A" -a)" '1 2 '
claim "device_del of both" quiet ctl 'del a'
claim "and of the other" quiet ctl 'del s'
claim "nothing is left" is "$(nsids "$A" -a)" ''
claim "the drives are free" quiet ctl 'free d1'
claim "the drives are free" quiet ctl 'free d8'
note "format"
claim "device_add" quiet ctl 'add f d8 nsid=5'
claim "seen" see 10000 +5:67108864 +5@0 +5@1
claim "format with 4 KiB blocks" quiet nvme format "$A" -n 5 -l 4 -f
claim "done" is "$(nvme id-ns "$A" -n 5 | sed -n 's/^flbas *: //p')" 0x4
claim "no process hangs" no_hung_process
finish
