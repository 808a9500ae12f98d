# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: feature 0Bh (P7), RAE (P4), resets of both kinds and events (P3), caches
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1 nvme-ns,id=b,drive=d2,bus=nvme0,nsid=2
# limit: 120
need "namespaces" see 15000 +1@0 +1@1 +2@0 +2@1
A=/dev/nvme0 B=/dev/nvme1
[ "$(cntlid nvme0)" = 0 ] || { A=/dev/nvme1 B=/dev/nvme0; }
notices() { nvme set-feature "$1" -f 0x0b -v "$2"; }
changed() # by nvme-cli, which retains the event
{
  nvme changed-ns-list-log "$1" | sed -n 's/^\[ *[0-9]*\]: *\(0x\)\{0,1\}//p' |
    while read -r x; do printf '%d ' $((0x$x)); done
}
consume() { nvme get-log "$1" -i 4 -l 4096 -b | od -An -v -tu4 -w4 | awk '$1 { printf "%d ", $1 }'; }
for d in "$A" "$B"; do
  claim "notices off" code 0 notices "$d" 0
  claim "the log is read" code 0 nvme get-log "$d" -i 4 -l 4096
done
claim "a change" quiet ctl 'add c d3 nsid=3'
claim "another" quiet ctl 'del b'
sleep 1
claim "no event was sent" see 100 +2@0 +2@1 -3@0 -3@1
claim "a read with RAE=1" is "$(changed "$A")" '2 3 '
claim "keeps the list" is "$(changed "$A")" '2 3 '
for d in "$A" "$B"; do claim "notices on" code 0 notices "$d" 0x100; done
claim "bring the events" see 10000 -2@0 -2@1 +3@0 +3@1
note "a change that nobody reads, then a reset: the next change of the same NSID is heard of"
for how in controller function; do
  claim "notices off" code 0 notices "$A" 0
  claim "a change" quiet ctl 'del c'
  claim "it is in the log" is "$(changed "$A")" '3 '
  if [ $how = controller ]; then
    claim "controller reset" quiet nvme reset "$A"
  else
    echo 1 > "/sys/class/nvme/${A#/dev/}/device/reset" || fail "function level reset"
  fi
  claim "the driver is back" see 20000 +1@0 -3@0
  claim "again, after a $how reset" quiet ctl 'add c d3 nsid=3'
  claim "the event comes" see 10000 +3@0 +3@1
done
note "an error of the guest's own does not take the place of an event"
claim "volatile write cache off" code 0 nvme set-feature "$A" -f 6 -v 0
claim "and on" code 0 nvme set-feature "$A" -f 6 -v 1
claim "a log of SMART" quiet nvme smart-log "$A"
claim "create without a spare: 115h" code 115 nvme create-ns "$A" -s 8 -c 8 -f 0
claim "no process hangs" no_hung_process
finish
