# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: create, attach, I/O, detach, delete, changed list from the guest; full count; each error
# target: --ns 1=ram:64M --ns 2=ram:16M,private --nn 8 --tnvmcap 1G
# limit: 400
# allow: I/O Cmd
SIZE=4096 # blocks of 512 bytes
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
A=/dev/$1 B=/dev/$2 c1=$(cntlid "$1") c2=$(cntlid "$2")
if [ "$c1" -gt "$c2" ]; then # A has the lower CNTLID, and so the private namespace
  A=/dev/$2 B=/dev/$1 c1=$(cntlid "$2") c2=$(cntlid "$1")
fi
need "namespaces" see 10000 "+1@$c1" "+1@$c2" "+2@$c1"
unvmcap() { nvme id-ctrl "$A" | sed -n 's/^unvmcap *: *//p'; }
create() { nvme create-ns "$A" -s $SIZE -c $SIZE -f 0 -m 1 "$@"; }
attach() { nvme attach-ns "$A" -n "$1" -c "$2"; }
detach() { nvme detach-ns "$A" -n "$1" -c "$2"; }
delete() { nvme delete-ns "$A" -n "$1"; }
free0=$(unvmcap)

note "one namespace from its creation to its end"
claim "create" code 0 create
claim "it has NSID 3" is "$(nsids "$A" -a)" '1 2 3 '
claim "and is attached nowhere" is "$(nsids "$A")$(nsids "$B")" '1 2 1 '
claim "capacity was taken" [ "$(unvmcap)" != "$free0" ]
claim "attach to both" code 0 attach 3 "$c1,$c2"
claim "both paths" see 10000 "+3@$c1" "+3@$c2" +3
load a 3 1000 --size=2m --verify=crc32c
need "fio runs" busy a
claim "detach from one" code 0 detach 3 "$c2"
claim "one path is left" see 10000 "+3@$c1" "-3@$c2"
sleep 1
claim "fio runs" running a
stop_load a
claim "without an error" ended_well a
claim "detach from the other" code 0 detach 3 "$c1"
claim "the device is gone" see 10000 -3
claim "the namespace is allocated" is "$(nsids "$B" -a)" '1 2 3 '
claim "attach again" code 0 attach 3 "$c1,$c2"
claim "the device is there" see 10000 +3 "+3@$c1" "+3@$c2"
load b 3 240 --size=2m
need "fio runs" busy b
claim "delete while fio runs" code 0 delete 3
claim "gone" see 10000 -3 "-3@$c1" "-3@$c2"
end_load b
claim "fio ended with an error" [ "$fio_rc" != 0 ]
claim "no longer allocated" is "$(nsids "$A" -a)" '1 2 '
claim "capacity is back" is "$(unvmcap)" "$free0"

note "full count"
for i in 3 4 5 6 7 8; do claim "create $i" code 0 create; done
claim "all NSIDs in use" is "$(nsids "$B" -a)" '1 2 3 4 5 6 7 8 '
claim "one more: 116h" code 116 create
claim "delete 5" code 0 delete 5
claim "create again" code 0 create
claim "took the free NSID" is "$(nsids "$A" -a)" '1 2 3 4 5 6 7 8 '
for i in 3 4 5 6 7 8; do claim "attach $i" code 0 attach $i "$c1,$c2"; done
claim "all devices" see 15000 +1 +2 +3 +4 +5 +6 +7 +8 "+8@$c1" "+8@$c2"
for i in 4 5 6 7 8; do claim "delete $i" code 0 delete $i; done
claim "devices gone" see 15000 +1 +2 +3 -4 -5 -6 -7 -8

note "errors of Namespace Management"
admin() { nvme admin-passthru "$A" --opcode="$1" --namespace-id="$2" --cdw10="$3"; }
claim "format: 10Ah" code 10a nvme create-ns "$A" -s $SIZE -c $SIZE -f 15
claim "capacity: 115h" code 115 nvme create-ns "$A" -s 8388608 -c 8388608 -f 0
claim "NCAP < NSZE: 11Bh" code 11b nvme create-ns "$A" -s $SIZE -c 8 -f 0
claim "NCAP > NSZE: 02h" code 2 nvme create-ns "$A" -s 8 -c $SIZE -f 0
claim "ANA group: 124h" code 124 create --anagrp-id=1
claim "command set: 129h" code 129 create --csi=5
claim "delete unallocated: 02h" code 2 delete 6
claim "delete invalid: 0Bh" code b delete 9
claim "delete 0: 0Bh" code b admin 0x0d 0 1
claim "SEL 2: 02h" code 2 admin 0x0d 0 2

note "errors of Namespace Attachment"
head -c 4096 /dev/zero > /tmp/zero
sent() # SEL COUNT ENTRY...: the list as given
{
  sel=$1
  shift
  {
    for x in "$@"; do
      # shellcheck disable=SC2059
      printf "\\$(printf %03o $((x & 255)))\\$(printf %03o $((x >> 8)))"
    done
    cat /tmp/zero
  } | head -c 4096 > /tmp/list
  nvme admin-passthru "$A" --opcode=0x15 --namespace-id=3 --cdw10="$sel" --data-len=4096 \
    --input-file=/tmp/list --write
}
claim "already attached: 118h" code 118 attach 3 "$c2"
claim "private: 119h" code 119 attach 2 "$c2"
claim "unknown controller: 11Ch" code 11c attach 3 4000
claim "not attached: 11Ah" code 11a detach 2 "$c2"
claim "unallocated: 02h" code 2 attach 6 "$c1"
claim "invalid: 0Bh" code b attach 9 "$c1"
claim "broadcast: 02h" code 2 attach 0xffffffff "$c1"
claim "SEL 2: 02h" code 2 sent 2 1 "$c1"
claim "empty list: success" code 0 sent 1 0
claim "descending list: 11Ch" code 11c sent 1 2 "$c2" "$c1"
claim "double entry: 11Ch" code 11c sent 1 2 "$c1" "$c1"
claim "count over 2047: 11Ch" code 11c sent 1 2048 "$c1"
claim "nothing changed by them" is "$(nsids "$A")$(nsids "$B")" '1 2 3 1 3 '
claim "second entry unknown: 11Ch" code 11c sent 1 2 "$c1" 4000
claim "the first was applied" see 10000 "-3@$c1" "+3@$c2"
claim "attach again" code 0 attach 3 "$c1"
claim "both paths again" see 10000 "+3@$c1" "+3@$c2"

note "the changed list, with notices off so that the kernel does not read it"
notices() { nvme set-feature "$1" -f 0x0b -v "$2"; }
changed() # by nvme-cli, which retains the event
{
  nvme changed-ns-list-log "$1" | sed -n 's/^\[ *[0-9]*\]: *\(0x\)\{0,1\}//p' |
    while read -r x; do printf '%d ' $((0x$x)); done
}
consume() # without RAE
{
  nvme get-log "$1" -i 4 -l 4096 -b | od -An -v -tu4 -w4 | awk '$1 { printf "%d ", $1 }'
}
for d in "$A" "$B"; do
  claim "notices off" code 0 notices "$d" 0
  claim "the log is read" code 0 nvme get-log "$d" -i 4 -l 4096
done
claim "a change by the target" quiet ctl "detach 3 $c1"
claim "another" quiet ctl 'resize 1 48M'
claim "nvme-cli looks (RAE)" is "$(changed "$A")" '1 3 '
claim "again: still there" is "$(changed "$A")" '1 3 '
claim "the other has its own" is "$(changed "$B")" '1 '
claim "the kernel does not know" see 100 "+3@$c1" +1:67108864
claim "a read without RAE" is "$(consume "$A")" '1 3 '
claim "consumed it" is "$(changed "$A")" ''
claim "but not the other's" is "$(changed "$B")" '1 '
claim "one more change" quiet ctl 'resize 1 32M'
for d in "$A" "$B"; do claim "notices on" code 0 notices "$d" 0x100; done
claim "bring the events that were owed" see 10000 +1:33554432 "-3@$c1"
claim "unsupported bits: 02h" code 2 notices "$A" 0x40000000
claim "save: 10Dh" code 10d nvme set-feature "$A" -f 0x0b -v 0x100 -s
claim "offset past the end: 02h" code 2 nvme get-log "$A" -i 4 -l 16 -o 8192
claim "log of one namespace: 02h" code 2 nvme get-log "$A" -i 4 -l 4096 -n 1
end_case
