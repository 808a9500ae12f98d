# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: resize seen by the guest, larger and smaller, idle and under fio
# target: --ns 1=ram:64M --ns 2=ram:64M,bs=4096 --ns 3=ram:64M,private --nn 32
# limit: 300
M=1048576
need "connect" connect2
need "namespaces" see 10000 +1:$((64 * M)) +2:$((64 * M)) +3:$((64 * M))
for size in 128 16 65 64; do
  for n in 1 2 3; do
    claim "resize $n to $size MB" timed 10000 "resize $n ${size}M" "+$n:$((size * M))"
    echo "$view" >> /tmp/seen
  done
done
stats "resize: seen" < /tmp/seen

load a 1 1000 --size=8m --verify=crc32c
need "fio runs" busy a
for size in 32 96 24 64 16 128 12 64; do
  claim "resize to $size MB under load" timed 10000 "resize 1 ${size}M" "+1:$((size * M))"
  echo "$view" >> /tmp/seen2
done
stats "resize under fio: seen" < /tmp/seen2
burst='resize 1 20M
resize 1 30M
resize 1 40M'
claim "three in one go" timed 10000 "$burst" "+1:$((40 * M))"
claim "fio runs" running a
stop_load a
claim "fio had no error" ended_well a

claim "a larger one" timed 10000 'resize 1 100M' "+1:$((100 * M))"
d=$(dev 1)
dd if=/dev/urandom of=/tmp/x bs=1M count=1 2> /dev/null
claim "its end can be written" quiet dd if=/tmp/x of="$d" bs=1M seek=99 oflag=direct
dd if="$d" of=/tmp/y bs=1M skip=99 count=1 iflag=direct 2> /dev/null
claim "and read" cmp /tmp/x /tmp/y
end_case
