# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: 200 random lifecycle operations under fio: nothing hangs, the final view is right
# target: --ns 1=ram:64M --ns 2=ram:32M --ns 3=ram:32M --nn 12 --tnvmcap 2G --deadline 5
# limit: 540
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
view_settles()
{
  tries=200
  until same_view; do
    tries=$((tries - 1))
    if [ $tries = 0 ]; then
      (cd /results && tail -n 99 target-paths guest-paths target-devices guest-devices)
      return 1
    fi
    sleep 0.2
  done
}

# An operation may be refused (busy, there already ...): every answer will do, but there must be one,
# and no later than a drain's deadline and what the guest itself takes.
did=0 no=0 away=
: > /results/ops
watch_steps /results/ops 120 &
watch=$!
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
  [ $t -lt 90000 ] || fail "operation took $t ms: $*"
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
resize() # never below the 8 MB that fio uses of NSID 1
{
  random 24
  op ctl "resize $1 $((8 + r))M"
}
reset() # only while NSID 1 has both paths
{
  if [ -n "$away" ]; then
    path_of_1 "$c"
  else
    # Linux before 6.7 does not stand a reset while it is still adding a disk (README.md)
    need "what was done before is seen" view_settles
    op timeout 90 nvme reset "$d"
    ids
  fi
}
reconnect() # likewise
{
  if [ -n "$away" ]; then
    path_of_1 "$c"
    return
  fi
  w=10.0.2.15 other=${B#/dev/}
  [ "$d" = "$A" ] || w=10.0.2.16 other=${A#/dev/}
  op timeout 90 nvme disconnect -d "${d#/dev/}"
  sleep 0.$r
  op connect -w $w --duplicate-connect
  new=$(ctrls | grep -vx "$other")
  need "the guest has the controller again" [ -n "$new" ]
  if [ "$d" = "$A" ]; then A=/dev/$new; else B=/dev/$new; fi
  ids
  need "NSID 1 has both paths again" see 10000 "+1@$c1" "+1@$c2"
}
# Not for long: what the guest's nvme-cli does may wait for all I/O of a controller.
stalled() # NSID how: what may happen to a namespace whose backend does nothing
{
  op ctl "stall $1 $2"
  random 4
  sleep 0.$r
  case $r in
  0 | 1) op ctl "remove $1 deadline=1 nowait" && gone "$1" ;;
  2) op ctl "detach $1 $c" ;;
  3) resize "$1" ;;
  esac
  random 2
  sleep $r.3
  op ctl "unstall $1"
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
  7) op timeout 90 nvme create-ns "$d" -s 32768 -c 32768 -f 0 -m 1 && created ;;
  esac
}
created() # nvme-cli says which
{
  n=$(sed -n 's/.*nsid: *//p' /tmp/op)
  have="$have$n "
  op timeout 90 nvme attach-ns "$d" -n "$n" -c "$c1,$c2"
}
gone() { have=$(echo "$have" | sed "s/ $1 / /"); }
on_present()
{
  random 22
  case $r in
  0 | 1) op ctl "remove $n orderly" && gone "$n" ;;
  2) op ctl "remove $n surprise" && gone "$n" ;;
  3) op ctl "remove $n nowait" && gone "$n" ;;
  4 | 5) swap "$n" ;;
  6) op ctl "detach $n $c" ;;
  7) op ctl "detach $n $c surprise" ;;
  8 | 9) op ctl "attach $n $c" ;;
  10) resize "$n" ;;
  11) op timeout 90 nvme attach-ns "$d" -n "$n" -c "$c1,$c2" ;;
  12) op timeout 90 nvme delete-ns "$d" -n "$n" && gone "$n" ;;
  13) op timeout 90 nvme detach-ns "$d" -n "$n" -c "$c" ;;
  14) path_of_1 "$c" ;;
  15) reset ;;
  16) reconnect ;;
  17 | 18) stalled "$n" '' ;;
  19) stalled "$n" hard ;;
  20) op ctl "remove $n deadline=1" && gone "$n" ;;
  21) resize 1 ;;
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
kill $watch
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
claim "the guest's view is the target's" view_settles
claim "the library's invariants hold" quiet ctl check
claim "no process hangs" no_hung_process
claim "disconnect" disconnect
claim "no controller is left" see_status 10 no_controllers
claim "quit" ctl quit
finish
