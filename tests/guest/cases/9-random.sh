# SPDX-License-Identifier: BSD-3-Clause
# title: 200 random lifecycle operations under fio: nothing hangs, the final view is right
# target: --ns 1=ram:64M --ns 2=ram:32M --ns 3=ram:32M --nn 12 --tnvmcap 2G --deadline 5
# limit: 240
# allow: .
# ends: quit
OPS=$((200 * SCALE))
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
A=/dev/$1 B=/dev/$2 c1=$(cntlid "$1") c2=$(cntlid "$2")
need "namespaces" see 10000 +1@"$c1" +1@"$c2" +2 +3

seed=${SEED:-1}
echo "# seed $seed"
random() { seed=$(((seed * 1103515245 + 12345) & 0x7fffffff)); r=$(((seed >> 8) % $1)); }

# fio that must not fail, on NSID 1, whose paths come and go but never both
load steady 1 230 --size=8m --rw=randwrite --verify=crc32c --verify_backlog=32 --verify_fatal=1
# and fio that may, on whatever there is
victims()
{
  k=$1
  while [ ! -e /tmp/stop ]; do
    d=$(nsview list | awk -v k="$k" '$1 > 1 && $3 > 0 { d[n++] = $4 } END { if (n) print d[k % n] }')
    [ -n "$d" ] || { sleep 0.3; continue; }
    fio --name=v --filename=/dev/"$d" --size=4m --rw=randrw --bs=4k --ioengine=io_uring --iodepth=8 --direct=1 \
      --time_based --runtime=3 --eta=never --allow_file_create=0 > /dev/null 2>&1
    k=$((k + 1))
  done
}
victims 0 & v1=$!
victims 1 & v2=$!

# An operation may be refused (busy, there already ...): every answer is right but none, and no
# operation may take longer than the drain's deadline and a bit.
did=0 refused=0 away=
op()
{
  echo "$did: $*" >> /results/ops
  t=$(ms)
  if "$@" > /tmp/op 2>&1; then did=$((did + 1)); else did=$((did + 1)); refused=$((refused + 1)); sed 's/^/    /' /tmp/op >> /results/ops; fi
  t=$(($(ms) - t)); echo $t >> /tmp/took
  [ $t -lt 20000 ] || fail "operation took $t ms: $*"
  grep -q 'control connection ended' /tmp/op && { fail "the control connection ended"; finish; }
}
while [ $did -lt $OPS ]; do
  random 11; n=$((2 + r))
  random 2; c=$c1; [ $r = 0 ] || c=$c2
  random 2; d=$A; [ $r = 0 ] || d=$B
  random 20
  case $r in
  0 | 1 | 2) op ctl "add $n ram:$((8 + n))M" ;;
  3 | 4) op ctl "remove $n orderly" ;;
  5) op ctl "remove $n surprise" ;;
  6) op ctl "remove $n nowait" ;;
  7 | 8) op ctl "remove $n
add $n ram:$((16 + n))M"; did=$((did + 1)) ;; # a swap: two operations
  9) op ctl "detach $n $c" ;;
  10) op ctl "detach $n $c surprise" ;;
  11 | 12) op ctl "attach $n $c" ;;
  13) random 24; op ctl "resize $n $((8 + r))M" ;;
  14 | 15) # a path of NSID 1 goes, and comes back later
    if [ -z "$away" ]; then op ctl "detach 1 $c" && away=$c; else op ctl "attach 1 $away"; away=; fi ;;
  16) op timeout 30 nvme create-ns $d -s 32768 -c 32768 -f 0 -m 1 ;;
  17) op timeout 30 nvme attach-ns $d -n $n -c "$c1,$c2" ;;
  18) op timeout 30 nvme delete-ns $d -n $n ;;
  19) random 4
    if [ $r = 0 ] && [ -z "$away" ]; then op timeout 45 nvme reset $d; else op timeout 30 nvme detach-ns $d -n $n -c "$c"; fi ;;
  esac
  random 4; [ $r != 0 ] || sleep 0.$((seed % 5))
done
[ -z "$away" ] || ctl "attach 1 $away"
note "$did operations, $refused of them refused"
stats "operation" < /tmp/took
touch /tmp/stop
claim "fio on NSID 1 runs" running steady
stop_load steady
claim "and had no error" ended_well steady
wait $v1 $v2
claim "no fio is left" [ -z "$(pidof fio)" ]
claim "the target is at rest" at_rest

# the target's word against the guest's: path by path, and device by device
same_view()
{
  status
  expected_paths | sort > /tmp/want
  nsview paths | awk '{ print $1, $2, $3 }' | sort > /tmp/have
  cmp -s /tmp/want /tmp/have || return 1
  nsview list | awk '{ print $1, $2, $3 }' | sort > /tmp/have
  expected_heads | sort > /tmp/want
  cmp -s /tmp/want /tmp/have
}
n=0
until same_view || [ $n -ge 50 ]; do n=$((n + 1)); sleep 0.2; done
claim "the guest's view is the target's" same_view
same_view || { echo "  target:"; cat /tmp/want; echo "  guest:"; cat /tmp/have; ctl status; }
nsview list > /results/view; cp /tmp/status /results/status

claim "no process hangs" no_hung_process
claim "disconnect" disconnect
claim "no controller is left" see_status 10 no_controllers
echo quit >&7
finish
