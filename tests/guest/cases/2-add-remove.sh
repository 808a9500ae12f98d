# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: add: the device is there; remove under fio: fio on it ends with an error, on another not
# target: --ns 1=ram:64M --nn 32 --io-delay 500
# limit: 400
# allow: I/O Cmd|Identify Descriptors failed .nsid=7|I/O error.*, (sector|logical block) 0
# (a new UUID on an old NSID is announced twice; the second scan, and the look for partitions, may meet
# the removal)
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1") c2=$(cntlid "$2")
need "NSID 1" see 10000 "+1@$c1" "+1@$c2"

note "idle, 20 times"
for i in $(seq 20); do
  claim "add $i" timed 10000 'add 7 ram:64M' +7
  echo "$view" >> /tmp/there
  claim "both paths" see 10000 "+7@$c1" "+7@$c2"
  claim "remove $i" timed 10000 'remove 7 orderly' -7 "-7@$c1" "-7@$c2"
  echo "$view" >> /tmp/gone
done
stats "idle, add: device there" < /tmp/there
stats "idle, remove: device gone" < /tmp/gone

note "under load, 5 times"
load other 1 1000 --verify=crc32c
for i in 1 2 3 4 5; do
  claim "add $i" timed 10000 'add 7 ram:64M' +7
  echo "$view" >> /tmp/there2
  claim "both paths" see 10000 "+7@$c1" "+7@$c2"
  load victim$i 7 60
  claim "fio on it runs" busy victim$i
  claim "remove $i" timed 10000 'remove 7 orderly' -7 "-7@$c1" "-7@$c2"
  echo "$view" >> /tmp/gone2
  t=$(ms)
  end_load victim$i
  claim "fio on it ended soon" [ $(($(ms) - t)) -lt 20000 ]
  claim "with an error ($fio_rc, $(fio_error victim$i))" [ "$fio_rc" != 0 ]
  claim "after it had done something" [ "$(fio_ios victim$i)" -gt 0 ]
done
stats "fio on it, add: device there" < /tmp/there2
stats "fio on it, remove: device gone" < /tmp/gone2
claim "fio on the other runs" running other
stop_load other
claim "and had no error" ended_well other
claim "and did something" [ "$(fio_ios other)" -gt 100 ]
end_case
