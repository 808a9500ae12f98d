# SPDX-License-Identifier: BSD-3-Clause
# title: detach from one controller and attach, 20 times, under fio with verify: no error
# target: --ns 1=ram:64M --ns 2=ram:64M --nn 32 --io-delay 1000
# limit: 150
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1") c2=$(cntlid "$2")
need "both paths" see 10000 +1@"$c1" +1@"$c2"

# writes and reads back all the time; the device is the multipath head
load v 1 140 --size=8m --rw=randwrite --verify=crc32c --verify_backlog=32 --verify_fatal=1 --iodepth=16
for i in $(seq 20); do
  c=$c1; [ $((i % 2)) = 0 ] || c=$c2 # the other one has the path meanwhile
  claim "detach $i" timed 10000 "detach 1 $c" "-1@$c"; echo "$view" >> /tmp/gone
  sleep 0.1
  claim "attach $i" timed 10000 "attach 1 $c" "+1@$c"; echo "$view" >> /tmp/back
  sleep 0.1
done
stats "detach: path gone" < /tmp/gone
stats "attach: path there" < /tmp/back
claim "fio runs" running v
stop_load v
claim "fio had no error" ended_well v
claim "fio did something" [ "$(fio_ios v)" -gt 200 ]

note "the same by the guest's own commands, sent to the other controller"
load w 1 60 --size=8m --rw=randwrite --verify=crc32c --verify_backlog=32 --verify_fatal=1
for i in 1 2 3 4 5; do
  claim "nvme detach-ns $i" quiet nvme detach-ns "/dev/$2" -n 1 -c "$c1"
  claim "path gone $i" see 10000 "-1@$c1"
  claim "nvme attach-ns $i" quiet nvme attach-ns "/dev/$2" -n 1 -c "$c1"
  claim "path there $i" see 10000 "+1@$c1"
done
stop_load w
claim "fio had no error" ended_well w
end_case
