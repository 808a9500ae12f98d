# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: 200 random lifecycle operations under fio: nothing hangs, the final view is right
# target: --ns 1=ram:64M --ns 2=ram:32M --ns 3=ram:32M --nn 12 --tnvmcap 2G --deadline 5
# limit: 450
# allow: .
# ends: quit
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
A=/dev/$1 B=/dev/$2
ids() # after a reset by the host the target's controller is another
{
  c1=$(cntlid "${A#/dev/}") c2=$(cntlid "${B#/dev/}")
}
ids
need "namespaces" see 10000 "+1@$c1" "+1@$c2" +2 +3

seed=$SEED
note "seed $seed, $OPS operations"
random() # N: $r is less than it
{
  seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
  r=$(((seed >> 8) % $1))
}

# fio that must not fail, on NSID 1, whose paths come and go but never both
# shellcheck disable=SC2086
load steady 1 1000 $verify
# and fio that may, on whatever there is
victims()
{
  k=$1
  while [ ! -e /tmp/stop ]; do
    d=$(nsview list | awk -v k="$k" '$1 > 1 && $3 { d[n++] = $4 } END { if (n) print d[k % n] }')
    if [ -b "/dev/$d" ]; then
      fio --name=v --filename="/dev/$d" --size=4m --rw=randrw --bs=4k --ioengine=io_uring \
        --iodepth=8 --direct=1 --time_based --runtime=3 --eta=never --allow_file_create=0
    fi > /dev/null 2>&1
    sleep 0.2
    k=$((k + 1))
  done
}
victims 0 &
v1=$!
victims 1 &
v2=$!

# An operation may be refused (busy, there already ...): every answer will do, but there must be one,
# and no later than a drain's deadline and what the guest itself takes.
did=0 no=0 away=
op()
{
  echo "$did: $*" >> /results/ops
  did=$((did + 1)) t=$(ms) rc=0
  "$@" > /tmp/op 2>&1 || rc=$?
  t=$(($(ms) - t))
  echo $t >> /tmp/took
  if [ $rc != 0 ]; then
    no=$((no + 1))
    sed 's/^/    /' /tmp/op >> /results/ops
  fi
  [ $t -lt 20000 ] || fail "operation took $t ms: $*"
  if grep -q 'control connection ended' /tmp/op; then need "the target lives" false; fi
  return $rc
}
path_of_1() # of the one or the other controller goes, and comes back
{
  if [ -n "$away" ]; then
    op ctl "attach 1 $away"
    away=
  elif op ctl "detach 1 $1"; then
    away=$1
  fi
}
swap()
{
  random 24
  op ctl "remove $1
add $1 ram:$((8 + r))M"
  did=$((did + 1)) # two
}
resize()
{
  random 24
  op ctl "resize $1 $((8 + r))M"
}
reset_or_path_of_1() # a reset only while NSID 1 has both paths
{
  if [ -n "$away" ]; then
    path_of_1 "$c"
  else
    op timeout 45 nvme reset "$d"
    ids
  fi
}
# Mostly what makes sense for the NSID as it is to the target's knowledge (what was refused may have
# been right: another operation is under way), a tenth of it whatever may be.
have=' 2 3 '
on_absent()
{
  random 8
  case $r in
  0 | 1 | 2 | 3 | 4) op ctl "add $n ram:$((8 + n))M" && have="$have$n " ;;
  5) op ctl "add $n ram:8M private" && have="$have$n " ;;
  6) op ctl "add $n ram:8M detached" && have="$have$n " ;;
  7) op timeout 30 nvme create-ns "$d" -s 32768 -c 32768 -f 0 -m 1 && created ;;
  esac
}
created() # nvme-cli says which
{
  n=$(sed -n 's/.*nsid: *//p' /tmp/op)
  have="$have$n "
  op timeout 30 nvme attach-ns "$d" -n "$n" -c "$c1,$c2"
}
gone() { have=$(echo "$have" | sed "s/ $1 / /"); }
on_present()
{
  random 16
  case $r in
  0 | 1) op ctl "remove $n orderly" && gone "$n" ;;
  2) op ctl "remove $n surprise" && gone "$n" ;;
  3) op ctl "remove $n nowait" && gone "$n" ;;
  4 | 5) swap "$n" ;;
  6) op ctl "detach $n $c" ;;
  7) op ctl "detach $n $c surprise" ;;
  8 | 9) op ctl "attach $n $c" ;;
  10) resize "$n" ;;
  11) op timeout 30 nvme attach-ns "$d" -n "$n" -c "$c1,$c2" ;;
  12) op timeout 30 nvme delete-ns "$d" -n "$n" && gone "$n" ;;
  13) op timeout 30 nvme detach-ns "$d" -n "$n" -c "$c" ;;
  14) path_of_1 "$c" ;;
  15) reset_or_path_of_1 ;;
  esac
}
while [ $did -lt "$OPS" ]; do
  random 2 && c=$c1 && [ $r = 0 ] || c=$c2
  random 2 && d=$A && [ $r = 0 ] || d=$B
  random 8 && n=$((2 + r))
  random 10
  case $r$have in
  0*) on_present ;;
  *" $n "*) on_present ;;
  *) on_absent ;;
  esac
  # shellcheck disable=SC2086
  keep steady 1 1000 $verify
  random 4
  [ $r != 0 ] || sleep 0.$((seed % 5))
done
[ -z "$away" ] || claim "the path that is away comes back" quiet ctl "attach 1 $away"
note "$did operations, $no of them refused"
stats "random operation, answered" < /tmp/took
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
  target_view paths | sort > /results/target-paths
  target_view devices | sort > /results/target-devices
  nsview paths | awk '{ print $1, $2, $3 }' | sort > /results/guest-paths
  nsview list | awk '{ print $1, $2, $3 }' | sort > /results/guest-devices
  cmp -s /results/target-paths /results/guest-paths &&
    cmp -s /results/target-devices /results/guest-devices
}
n=0
until same_view || [ $n -ge 50 ]; do
  n=$((n + 1))
  sleep 0.2
done
claim "the guest's view is the target's" same_view
cd /results && tail -n 99 target-paths guest-paths target-devices guest-devices

claim "the library's invariants hold" quiet ctl check
claim "no process hangs" no_hung_process
claim "disconnect" disconnect
claim "no controller is left" see_status 10 no_controllers
echo quit >&7
finish
