# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: hosts that were away while NSID 2 became another disk: true view; no foreign block, but after a restart
# target: --ns 1=ram:64M,uuid=11111111-1111-4111-8111-111111111111 --nn 32
# links: 2
# limit: 720
# allow: .
ROUNDS=6 # of resets
k=1 old=0
# a clock that leaps, when the guest is frozen, is no stall
echo 300 > /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout

connect_by() # LINK KATO: the guest's address is another for each
{
  # shellcheck disable=SC2086
  port=$(echo $LINKS | cut -d ' ' -f "$1")
  connect -w 10.0.2.1$((4 + $1)) --duplicate-connect -s "$port" -c 1 -k "$2"
}
connect_both() # KATO KATO
{
  need "connect" connect_by 1 "$1"
  need "connect" connect_by 2 "$2"
  # shellcheck disable=SC2046
  set -- $(ctrls)
  A=$1 B=$2
}
is_there() # K: it is the disk by both paths. A controller that comes back has another CNTLID.
{
  a=$(cntlid "$A") b=$(cntlid "$B")
  nsview wait 100 "+2=$(uuid "$1")" "+2=$(uuid "$1")@$a" "+2=$(uuid "$1")@$b" > /tmp/see 2>&1
}
follow() # there is a new disk k: its writer
{
  if [ -b "$(dev 2)" ]; then
    write_to $k
    writing $k || fail "$about: the writer of disk $k"
  fi
}
begin() # WHAT
{
  about=$1 old=$k k=$((k + 1))
  note "$about"
}
# The host is back when its controllers are live. It has 5 s from then on to find disk k, as with `see`.
back()
{
  t0=$(ms) t=$t0 away=$t0 ok=
  while [ $((t - t0)) -lt 20000 ] && [ $((t - away)) -lt 90000 ]; do
    if ! live; then
      t0=$(ms)
    elif is_there $k; then
      ok=1
      break
    else
      sleep 0.05
    fi
    t=$(ms)
  done
  if [ -n "$ok" ]; then
    t=$(($(ms) - t0))
    echo $t >> /tmp/back
    note "disk $k by both paths $t ms after all was live"
    sleep 1
    claim "$about: disk $k stays" is_there $k
  else
    fail "$about: disk $k is not there by both paths within 20 s"
    nsview paths | sed 's/^/  /'
    ctl 'remove 2' > /tmp/ctl && see 10000 -2 && ctl "add 2 $(disk $k)" > /tmp/ctl &&
      see 10000 "+2=$(uuid $k)"
  fi
  end_load w$old
  look_again $old
  counts $k
  before=$foreign
  if [ -n "$anew" ]; then
    echo "COUNT $about: $foreign foreign blocks of 4 KiB: it knew of no host"
  else
    [ "$foreign" = 0 ] || fail "$about: disk $k has $foreign blocks of another"
    total=$((total + foreign))
  fi
  follow
}
total=0 before=0
look_again() # K, which has gone: what came after the look at it when it was new
{
  counts "$1"
  machine "remove $1"
  [ "$foreign" = "$before" ] ||
    fail "$about: disk $1 has $foreign blocks of another, not $before as before"
  total=$((total + foreign - before))
}
swap_now() { ctl "$(swap $k)" > /tmp/ctl || fail "$about: swap: $(cat /tmp/ctl)"; }

# A target that starts knows of no host. Linux sends again what had no answer as soon as its
# controller is live, and looks at the namespaces after that. Such blocks are counted, not claimed.
anew=
restart() # SIGNAL
{
  anew=1
  begin "target restarted after SIG$1"
  claim "stop" quiet machine "stop $1"
  need "start" quiet machine "start --ns 2=$(disk $k | tr ' ' ',')"
  back
  anew=
}
link_lost() # HOW SECONDS LINK...: the swap is meanwhile
{
  how=$1 seconds=$2
  shift 2
  begin "link $* $how for $seconds s"
  for l in "$@"; do claim "$how" quiet machine "$how $l"; done
  swap_now & # it may wait for commands whose data do not come
  swapper=$!
  sleep "$seconds"
  for l in "$@"; do claim "join" quiet machine "join $l"; done
  wait $swapper
  back
}
# Linux 6.1 does not stand a reset while it adds or deletes a disk (README.md), so the swap comes when
# the controller is no longer live, and scans nothing.
reset_once() # CONTROLLER MILLISECONDS: until the swap
{
  begin "swap $2 ms after $1 is no longer live, by a reset"
  timeout 60 nvme reset "/dev/$1" > /tmp/reset 2>&1 &
  reset=$!
  while read -r state < "/sys/class/nvme/$1/state" && [ "$state" = live ]; do
    kill -0 $reset 2> /dev/null || break
  done
  usleep $(($2 * 1000))
  swap_now
  wait $reset
  back
}
reset_loop() # CONTROLLER
{
  begin "swaps while $1 is reset all the time"
  first=$old
  while [ ! -e /tmp/stop ]; do timeout 60 nvme reset "/dev/$1"; done > /tmp/reset 2>&1 &
  reset=$!
  for _ in 1 2 3 4 5 6; do
    swap_now
    sleep 0.3
    k=$((k + 1))
  done
  swap_now
  sleep 0.3
  touch /tmp/stop
  wait $reset
  old=$first
  back
}
frozen() # SECONDS
{
  begin "guest frozen for $1 s"
  claim "freeze" quiet machine "freeze 1
tell $(swap $k | tr '\n' ';')
sleep $1
thaw 1"
  back
}

need "files" disks 40
connect_both 5 5
about=start
need "disk 1" ctl "add 2 $(disk 1)"
need "both paths" see 5000 "+2=$(uuid 1)@$(cntlid "$A")" "+2=$(uuid 1)@$(cntlid "$B")"
follow
restart TERM
restart KILL
link_lost cut 3 1 2
link_lost drop 3 1 2
link_lost cut 12 1 2
link_lost cut 12 2
link_lost drop 3 1
for i in $(seq $ROUNDS); do
  if [ $((i % 2)) = 0 ]; then reset_once "$A" $((i * 30)); else reset_once "$B" $((i * 30)); fi
  sleep 0.5
done
case $(uname -r) in # newer Linux warns, at most
[1-5].* | 6.[0-6].*) ;;
*) reset_loop "$B" ;;
esac

stop_writer $k
claim "disconnect" disconnect
connect_both 60 5 # the one controller lives on in the target, the other ends
need "disk $k" see 5000 "+2=$(uuid $k)@$(cntlid "$A")" "+2=$(uuid $k)@$(cntlid "$B")"
follow
frozen 25

claim "the writer of the last disk ends when told to" stop_writer $k
about=end
look_again $k
stats "away: new disk by both paths, after all controllers were live" < /tmp/back
echo "COUNT all others: $total foreign blocks of 4 KiB"
end_case
