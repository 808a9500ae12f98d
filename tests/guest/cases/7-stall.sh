# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: remove with a stalled backend: told at once; aborted at the deadline; hard: out till unstall
# target: --ns 1=ram:64M --ns 2=ram:64M --ns 3=ram:64M --nn 32 --deadline 240
# limit: 420
# allow: I/O Cmd
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
A=/dev/$1
need "namespaces" see 10000 +1 +2 +3
no_ns2() { ! has_ns 2; }
heard() { dmesg | grep -c 'rescanning namespaces'; }
stall() # LOAD NSID [hard]: under fio
{
  load "$1" "$2" 240
  need "fio runs" busy "$1"
  claim "stall" quiet ctl "stall $2${3:+ $3}"
  sleep 1
  claim "fio is stuck, not ended" running "$1"
}
load other 1 1000 --verify=crc32c

note "a backend that stops, an abort hook that works"
stall a 2
before=$(heard) t0=$(ms) n=0
claim "remove, not waiting" quiet ctl 'remove 2 deadline=10 nowait'
until [ "$(heard)" -gt "$before" ] || [ $n -gt 100 ]; do
  n=$((n + 1))
  sleep 0.05
done
t=$(($(ms) - t0))
echo "$t" | stats "remove, stalled: guest has heard"
claim "the guest heard of it long before the deadline" [ $t -lt 5000 ]
claim "was published at once" is "$(nsids "$A")" '1 3 '
claim "fio is still out" running a
ctl status > /results/status-draining
end_load a
t=$(($(ms) - t0))
echo "$t" | stats "remove, stalled, deadline 10 s: fio ended"
claim "fio ended with an error" [ "$fio_rc" != 0 ]
claim "at the deadline" [ $t -ge 9500 ]
claim "and not much later" [ $t -lt 40000 ]
claim "the device is gone" see 5000 -2
claim "released" see_status 5 no_ns2
claim "the other fio runs" running other
claim "the NSID is free again" timed 10000 'add 2 ram:64M' +2

note "hard: the abort hook does not help either"
stall b 3 hard
t0=$(ms)
(
  ctl2 'remove 3 deadline=2'
  echo $? > /tmp/removed
) > /results/remove-hard 2>&1 &
waiter=$!
sleep 0.5
claim "was published at once" is "$(nsids "$A")" '1 2 '
sleep 5
claim "well past the deadline fio is still out" running b
claim "remove has not been answered" [ ! -e /tmp/removed ]
claim "the target lives" status
claim "and still holds the namespace" has_ns 3
claim "the NSID cannot be used yet" refused ctl 'add 3 ram:64M'
d=$(dev 2)
claim "another namespace works" quiet dd if="$d" of=/dev/null bs=1M count=4 iflag=direct
claim "add works" quiet ctl 'add 9 ram:16M'
claim "the other fio runs" running other
claim "unstall" quiet ctl 'unstall 3'
wait $waiter
claim "remove is answered now" is "$(cat /tmp/removed)" 0
end_load b
echo $(($(ms) - t0)) | stats "remove, stalled hard, unstalled after 6 s: fio ended"
claim "the device is gone" see 5000 -3
claim "the NSID is free again" timed 10000 'add 3 ram:64M' +3 +9

note "a stall that ends in time"
stall c 3
claim "remove, not waiting" quiet ctl 'remove 3 deadline=200 nowait'
sleep 1
claim "fio is still out" running c
claim "unstall" quiet ctl 'unstall 3'
claim "gone long before the deadline" see 8000 -3
end_load c

note "surprise: no waiting"
stall d 2
claim "surprise removal" timed 8000 'remove 2 surprise' -2
end_load d
claim "fio ended with an error" [ "$fio_rc" != 0 ]

stop_load other
claim "fio on the other had no error" ended_well other
end_case
