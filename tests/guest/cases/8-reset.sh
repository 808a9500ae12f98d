# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154,SC2034
# title: nvme reset, and disconnect, in the middle of a drain
# target: --ns 1=ram:64M --ns 2=ram:64M --ns 3=ram:64M --ns 4=ram:64M --nn 32 --deadline 20
# limit: 480
# allow: I/O Cmd|timeout
# Linux 6.1 does not stand a reset while it deletes a disk with a scheduler, as it has with one queue
# (README.md). So two, and never I/O to two namespaces at a time.
QUEUES=2
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
ids() # after a reset by the host the target's controller is another
{
  c1=$(cntlid "$1") c2=$(cntlid "$2")
}
ids "$@"
need "namespaces" see 10000 "+1@$c1" "+1@$c2" "+2@$c2" "+3@$c2" "+4@$c2"
has_ns2() { has_ns 2; }
no_ns2() { ! has_ns 2; }
no_ns3() { ! has_ns 3; }
no_ns4() { ! has_ns 4; }

note "reset of both controllers while the backend is stalled hard"
load a 2 240
need "fio runs" busy a
claim "stall hard" quiet ctl 'stall 2 hard'
sleep 0.5
claim "remove, not waiting" quiet ctl 'remove 2 deadline=2 nowait'
sleep 0.5
for c in "$1" "$2"; do
  t0=$(ms)
  claim "reset $c" quiet timeout 120 nvme reset "/dev/$c"
  echo $(($(ms) - t0)) | stats "reset of $c in a drain"
  claim "$c is live" is "$(cat "/sys/class/nvme/$c/state")" live
done
claim "the removed one is gone, stalled or not" see 10000 -2
end_load a
claim "fio ended with an error" [ "$fio_rc" != 0 ]
claim "the target still holds it" see_status 2 has_ns2
ids "$@"
claim "the others are there" see 10000 "+1@$c1" "+1@$c2" "+3@$c1" "+3@$c2"
d=$(dev 1)
claim "and work" quiet dd if="$d" of=/dev/null bs=1M count=4 iflag=direct
claim "unstall" quiet ctl 'unstall 2'
claim "released" see_status 5 no_ns2
claim "events work after the reset" timed 10000 'add 2 ram:64M' "+2@$c1" "+2@$c2"

note "reset of one in an orderly drain, under load, 5 times"
for i in 1 2 3 4 5; do
  load b$i 3 240
  need "fio runs" busy b$i
  claim "stall" quiet ctl 'stall 3'
  load other$i 1 1000 --verify=crc32c
  need "the other fio runs" busy other$i
  claim "remove, not waiting" quiet ctl 'remove 3 deadline=2 nowait'
  claim "reset" quiet timeout 120 nvme reset "/dev/$1"
  claim "gone" see 15000 -3
  end_load b$i
  claim "fio ended with an error" [ "$fio_rc" != 0 ]
  claim "the other fio runs" running other$i
  stop_load other$i
  claim "without an error" ended_well other$i
  claim "released" see_status 5 no_ns3
  ids "$@"
  claim "add again" timed 10000 'add 3 ram:64M' "+3@$c1" "+3@$c2"
done

note "disconnect in the middle of a drain"
load d 4 240
need "fio runs" busy d
claim "stall" quiet ctl 'stall 4'
claim "remove, not waiting" quiet ctl 'remove 4 deadline=4 nowait'
t0=$(ms)
claim "disconnect" disconnect
echo $(($(ms) - t0)) | stats "disconnect in a drain, deadline 4 s"
end_load d
claim "fio ended with an error" [ "$fio_rc" != 0 ]
claim "no controller is left" see_status 10 no_controllers
claim "released" see_status 10 no_ns4
need "connect again" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
ids "$@"
claim "the view is right" see 10000 "+1@$c1" "+1@$c2" "+2@$c1" "+3@$c2" -4
claim "events work" timed 10000 'add 4 ram:64M' "+4@$c1" "+4@$c2"
end_case
