# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154,SC2034
# title: detach from one controller and attach, 20 times, under fio with verify: no error
# target: --ns 1=ram:64M --nn 32 --io-delay 1000
# limit: 400
QUEUES=2 # one namespace: there is no other whose SRCU could be mistaken for its
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1") c2=$(cntlid "$2")
need "both paths" see 10000 "+1@$c1" "+1@$c2"

# shellcheck disable=SC2086
load v 1 1000 $verify --iodepth=16 # on the multipath head
need "fio runs" busy v
for i in $(seq 20); do
  c=$c1
  [ $((i % 2)) = 0 ] || c=$c2 # the other one has the path meanwhile
  claim "detach $i" timed 10000 "detach 1 $c" "-1@$c"
  echo "$view" >> /tmp/gone
  sleep 0.1
  claim "attach $i" timed 10000 "attach 1 $c" "+1@$c"
  echo "$view" >> /tmp/there
  sleep 0.1
  # shellcheck disable=SC2086
  keep v 1 1000 $verify --iodepth=16
done
stats "detach: path gone" < /tmp/gone
stats "attach: path there" < /tmp/there
claim "fio runs" running v
stop_load v
claim "fio had no error" ended_well v
claim "fio did something" [ $((kept + $(fio_ios v))) -gt 200 ]

note "by the guest's own commands, sent to the other controller"
# shellcheck disable=SC2086
load w 1 1000 $verify
need "fio runs" busy w
for i in 1 2 3 4 5; do
  claim "nvme detach-ns $i" code 0 nvme detach-ns "/dev/$2" -n 1 -c "$c1"
  claim "path gone $i" see 10000 "-1@$c1"
  claim "nvme attach-ns $i" code 0 nvme attach-ns "/dev/$2" -n 1 -c "$c1"
  claim "path there $i" see 10000 "+1@$c1"
  # shellcheck disable=SC2086
  keep w 1 1000 $verify
done
stop_load w
claim "fio had no error" ended_well w
end_case
