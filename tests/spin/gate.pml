/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate.pml: the protocol of the gate (gate.h, gate.c) on a machine that reorders. docs/gate.md maps it
 * onto the code; tests/spin/run verifies it, and wants each part that is taken out to be missed.
 *
 * The machine. What a process stores waits in its buffer until Memory lets the others see it. Plain, that
 * is the memory of x86: first in, first out, loads in order. With -DWEAK a relaxed store overtakes older
 * ones, a release store does not; and a load may be satisfied as early as the last acquire or fence of its
 * process (one at a time is ahead). A locked operation is one step that waits for its own buffer: all those
 * of the code release. What a process alone writes, it knows without looking.
 *
 * Size: LANES, COMMANDS of each lane, OUT of these at once, ROUNDS of open and close. -DFENCE: fences
 * instead of membarrier. -DREFUSED: membarrier may fail once; what opens then has fences. -DHANDOVER: one command is ended by another thread, -DLANE_DEL: lanes end while
 * commands are out, -DLOOK: an open gate is counted, -DDEL: the subsystem is deleted in the end.
 */
#ifndef LANES
#define LANES 1
#endif
#ifndef COMMANDS
#define COMMANDS 2
#endif
#ifndef OUT
#define OUT 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef STORES
#define STORES 3
#endif

/* Counters are bytes and begin here, so that they wrap. */
#define START 254
#define NONE 255
#define OFF 254

/* A slot's word: the state, the generation, and, for the model only, which opening stored it. */
#define FENCED 4
#define SLOW (CLOSING | FENCED)
#ifdef FENCE
#define IS_OPEN FENCED
#define OPENS FENCED
#elif defined(REFUSED)
#define IS_OPEN (1 | FENCED)
#define OPENS (refused -> FENCED : 1)
#else
#define IS_OPEN 1
#define OPENS 1
#endif
#define CLOSING 2
#define GENERATION 8
#define OPENING 32
#define CODE(word) ((word) & (OPENING - 1))

/* Processes, and places in memory */
#define CONTROL 0
#define LANE(l) (1 + (l))
#define REMOTE (1 + LANES)
#define PROCESSES (2 + LANES)
#define WORD 0
#define USER 1
#define TICKET 2
#define OBJECT 3
#define OVER(l) (4 + (l))
#define COUNTS (4 + LANES) /* from here on */
#define REMOTES COUNTS
#define BEGUN(l) (COUNTS + 1 + 2 * (l))
#define ENDED(l) (COUNTS + 2 + 2 * (l))
#define PLACES (COUNTS + 1 + 2 * LANES)

byte mem[PLACES];
chan buffer[PROCESSES] = [STORES] of { byte, byte };
byte early_at[PROCESSES], early[PROCESSES];
bit rung, woken;
bit given;
bit refused; /* the kernel has, once */
bit fenced;  /* the slot's `fence`, with -DREFUSED */
byte inside;

/* What is to hold is said with these; no part of the code. */
byte opening;              /* the nth attachment of the slot */
bit barred;                /* the call that closed it has returned */
byte held[ROUNDS + 1];     /* commands that hold the nth */
bit detached[ROUNDS + 1];  /* its drain has ended */
bit freed;                 /* the subsystem's memory is */

/* ---- the machine ---- */

inline store(self, place, what)
{
  buffer[self]!place, what
}

inline interrupt(self)
{
  if
  :: early_at[self] != OFF -> early_at[self] = NONE
  :: else
  fi
}

inline fence(self)
{
  atomic { empty(buffer[self]) -> early_at[self] = NONE }
}

inline load_acquire(self, place, into)
{
  if
  :: early_at[self] == place -> into = early[self]
  :: else -> into = mem[place]
  fi;
  early_at[self] = NONE
}

inline load_relaxed(self, place, into)
{
  if
  :: early_at[self] == place -> into = early[self]; early_at[self] = NONE
  :: else -> into = mem[place]
  fi
}

/* light(): a compiler's barrier is nothing here, the model is in program order. fenced: the word that was
 * seen, or the slot's `fence`, says so. */
inline light(self, fenced)
{
#ifdef FENCE
  fence(self)
#elif defined(REFUSED)
  if
  :: fenced -> fence(self)
  :: else
  fi
#else
  skip
#endif
}

/* A load that was satisfied early differs from one that was not when its place changes in between: so it
 * is chosen then. */
inline keeps(self, place)
{
#ifdef WEAK
  if
  :: early_at[self] == NONE -> early_at[self] = place; early[self] = mem[place]
  :: true
  fi
#else
  skip
#endif
}

inline see(place, what)
{
  if
  :: place == WORD ->
    keeps(LANE(0), place);
#if LANES > 1
    keeps(LANE(1), place);
#endif
    keeps(REMOTE, place)
#ifdef RELAXED_SUM
  :: place >= COUNTS -> keeps(CONTROL, place)
#endif
  :: else
  fi;
  mem[place] = what;
  place = 0;
  what = 0
}

#define SEEN(self) \
  :: atomic { nempty(buffer[self]) -> buffer[self]?at, value; see(at, value) }
#ifdef WEAK
#define OVERTAKES(self, place) \
  :: atomic { buffer[self]??[eval(place), _] -> buffer[self]??eval(place), value; at = place; see(at, value) }
#else
#define OVERTAKES(self, place)
#endif

proctype Memory()
{
  byte at, value;

end:
  do
  SEEN(CONTROL)
  SEEN(LANE(0))
  OVERTAKES(CONTROL, USER)
  OVERTAKES(LANE(0), BEGUN(0))
  OVERTAKES(LANE(0), OBJECT)
#ifdef RELAXED_END
  OVERTAKES(LANE(0), ENDED(0))
#endif
#if LANES > 1
  SEEN(LANE(1))
  OVERTAKES(LANE(1), BEGUN(1))
#endif
  od
}

/* nvmens_gate_barrier: every other thread passes a full fence while it runs, each when it pleases. */
inline barrier()
{
#if !defined(NO_BARRIER) && !defined(FENCE)
  left = (1 << PROCESSES) - 1 - (1 << CONTROL);
  do
  :: atomic { left & (1 << LANE(0)) && empty(buffer[LANE(0)]) ->
       interrupt(LANE(0)); left = left - (1 << LANE(0)) }
#if LANES > 1
  :: atomic { left & (1 << LANE(1)) && empty(buffer[LANE(1)]) ->
       interrupt(LANE(1)); left = left - (1 << LANE(1)) }
#endif
  :: atomic { left & (1 << REMOTE) && empty(buffer[REMOTE]) ->
       interrupt(REMOTE); left = left - (1 << REMOTE) }
  :: left == 0 -> break
  od
#else
  skip
#endif
}

/* ring(): wake is called by whoever finds it not rung. */
inline ring(self)
{
  atomic { empty(buffer[self]) -> first = !rung; rung = 1; early_at[self] = NONE };
  if
  :: first -> woken = 1
  :: else
  fi;
  first = 0
}

/* ---- the data path ---- */

/* nvmens_io_end. Its first look orders nothing: with fences it may be too early, so whoever can be
 * too early goes to nvmens_gate_ended_. */
inline end_count(l)
{
  ended++;
  store(LANE(l), ENDED(l), ended)
}

inline end_wake(l)
{
  d_step { load_acquire(LANE(l), WORD, now_) };
  if
  :: now_ & SLOW -> look_again(l)
  :: else
  fi
}

/* nvmens_gate_ended_ */
inline look_again(l)
{
#ifndef NO_LIGHT_IN_END
  fence(LANE(l));
#endif
  d_step { load_acquire(LANE(l), WORD, now_) };
  if
  :: now_ & CLOSING -> ring(LANE(l))
  :: else
  fi
}

/* nvmens_io_begin into holds[i] */
inline begin(l, i)
{
  d_step { late = barred; load_acquire(LANE(l), WORD, word) };
  if
  :: !(word & IS_OPEN) -> skip /* refuse */
  :: else ->
    begun++;
    store(LANE(l), BEGUN(l), begun);
#ifndef NO_LIGHT_IN_BEGIN
    light(LANE(l), word & FENCED);
#endif
#ifdef NO_SECOND_LOOK
    now_ = word;
#else
    d_step { load_acquire(LANE(l), WORD, now_) };
#endif
    if
    :: CODE(now_) != CODE(word) ->
      end_count(l)
#if defined(NO_WAKE_OF_UNDONE)
#elif !defined(UNDONE_AS_END)
      ;look_again(l) /* nvmens_gate_begin_ */
#else
      ;end_wake(l)
#endif
    :: else ->
      d_step {
        holds[i] = now_ / OPENING;
        held[holds[i]]++;
        assert(!late); /* G2 */
        assert(word / OPENING == holds[i]); /* G2: the attachment that it looked at */
        assert(!detached[holds[i]]) /* G1 */
      };
      d_step { load_relaxed(LANE(l), USER, user); assert(user == holds[i]) }; /* G1 */
      user = 0;
#ifdef OBJECTS
      store(LANE(l), OBJECT, holds[i])
#endif
    fi
  fi;
  late = 0;
  word = 0;
  now_ = 0
}

inline let_go(n)
{
  assert(!detached[n]); /* G1 */
  held[n]--
}

proctype Lane(byte l)
{
  byte begun = START, ended = START, commands, word, now_, user, i;
  byte holds[OUT];
  bit late, first;

  do
  :: commands < COMMANDS ->
    d_step {
      commands++;
      i = 0;
      do
      :: i < OUT && holds[i] -> i++
      :: else -> break
      od
    };
    if
    :: i < OUT -> begin(l, i)
    :: else
    fi;
    i = 0
  :: holds[0] ->
    d_step { let_go(holds[0]); holds[0] = 0 };
    end_count(l);
#ifndef NO_WAKE_OF_END
    end_wake(l);
    now_ = 0
#endif
#if OUT > 1
  :: holds[1] ->
    d_step { let_go(holds[1]); holds[1] = 0 };
    end_count(l);
#ifndef NO_WAKE_OF_END
    end_wake(l);
    now_ = 0
#endif
#endif
#ifdef HANDOVER
  :: l == 0 && holds[0] && !given ->
    given = 1;
    store(LANE(l), TICKET, holds[0]);
    holds[0] = 0
#endif
  :: commands == COMMANDS && !holds[0] && !holds[OUT - 1] ->
    early_at[LANE(l)] = OFF;
    break
  od;
#ifdef LANE_DEL
  store(LANE(l), OVER(l), 1)
#endif
}

/* nvmens_io_end_remote */
proctype Remote()
{
  byte n, now_;
  bit first;

end:
  atomic { mem[TICKET] != 0 -> n = mem[TICKET] };
#ifndef INSIDE_LATE
  d_step { assert(!freed); inside++; early_at[REMOTE] = NONE };
#endif
  atomic { assert(!freed); let_go(n); mem[REMOTES] = mem[REMOTES] + 1 };
#ifdef INSIDE_LATE
  d_step { assert(!freed); inside++; early_at[REMOTE] = NONE };
#endif
#ifndef NO_LIGHT_IN_REMOTE
  light(REMOTE, fenced);
#endif
  d_step { assert(!freed); load_acquire(REMOTE, WORD, now_); early_at[REMOTE] = OFF };
#ifndef NO_WAKE_OF_REMOTE
  if
  :: now_ & CLOSING -> assert(!freed); ring(REMOTE)
  :: else
  fi;
#endif
  d_step { assert(!freed); inside-- };
}

/* ---- the control path: under the lock of the subsystem ---- */

#ifdef BEGUN_FIRST
#define LANE_FIRST BEGUN
#define LANE_THEN ENDED
#define LANE_SIGN(x) (x)
#else
#define LANE_FIRST ENDED
#define LANE_THEN BEGUN
#define LANE_SIGN(x) (-(x))
#endif
#ifdef RELAXED_SUM
#define LOAD_SUM load_relaxed
#else
#define LOAD_SUM load_acquire
#endif

inline sum_lane(l)
{
  if
  :: !folded[l] ->
    d_step { LOAD_SUM(CONTROL, LANE_FIRST(l), part); count = count + LANE_SIGN(part); part = 0 };
    d_step { LOAD_SUM(CONTROL, LANE_THEN(l), part); count = count - LANE_SIGN(part); part = 0 }
  :: else
  fi
}

/* nvmens_gate_holders */
inline sum()
{
  count = base;
#ifndef REMOTES_LAST
  d_step { LOAD_SUM(CONTROL, REMOTES, part); count = count - part; part = 0 };
#endif
  sum_lane(0);
#if LANES > 1
  sum_lane(1);
#endif
#ifdef REMOTES_LAST
  d_step { LOAD_SUM(CONTROL, REMOTES, part); count = count - part; part = 0 };
#endif
}

/* nvmens_lane_del, called by who knows that the owner is done with it: nvmens_gate_unlane */
inline fold(l)
{
  d_step {
    base = base + mem[BEGUN(l)] - mem[ENDED(l)];
    folded[l] = 1;
    early_at[CONTROL] = NONE
  }
}

/* nvmens_poll */
inline poll()
{
#ifdef CLEAR_LATE
  sum();
  atomic { empty(buffer[CONTROL]) -> rung = 0; early_at[CONTROL] = NONE }
#else
  atomic { empty(buffer[CONTROL]) -> rung = 0; early_at[CONTROL] = NONE };
  sum()
#endif
}

/* The end of a drain: detached is called. */
inline end_drain()
{
  d_step {
    assert(held[opening] == 0); /* G1 */
    assert(!(buffer[LANE(0)]??[OBJECT, eval(opening)])); /* G1: what a command did has been done */
    detached[opening] = 1;
    count = 0
  };
  store(CONTROL, WORD, generation * GENERATION + opening * OPENING)
}

inline open()
{
  d_step {
    opening++;
#ifndef ONE_GENERATION
    generation++;
#endif
    barred = 0
  };
  store(CONTROL, USER, opening);
#ifdef REFUSED
  fenced = refused;
#endif
  store(CONTROL, WORD, OPENS + generation * GENERATION + opening * OPENING)
}

/* nvmens_slot_closing, nvmens_bar. Once it was refused there may be a poll, which is of no use; drain_begin
 * is called when it has worked, and the count is looked at. */
inline close()
{
  store(CONTROL, WORD, CLOSING + generation * GENERATION + opening * OPENING);
#ifndef NO_FENCE_OF_CLOSER
  fence(CONTROL);
#endif
#ifdef REFUSED
  if
  :: !fenced && !refused ->
    refused = 1;
    atomic { empty(buffer[CONTROL]) -> rung = 0; woken = 0; early_at[CONTROL] = NONE }
  :: true
  fi;
#ifdef REFUSED_COUNTS
  fenced = refused;
#endif
  if
  :: fenced
  :: else -> barrier()
  fi;
#else
  barrier();
#endif
  barred = 1
}

#ifdef LANE_DEL
#define FOLD(l) :: !folded[l] && mem[OVER(l)] -> fold(l)
#else
#define FOLD(l)
#endif

/* Until the sum is nothing; it is looked at again when wake says so, and once for no reason. */
inline drain()
{
  sum();
  do
  :: count == 0 -> break
  :: count != 0 && woken -> woken = 0; poll()
  :: count != 0 && !idle -> idle = 1; poll()
  FOLD(0)
#if LANES > 1
  FOLD(1)
#endif
  od
}

proctype Control()
{
  byte base, count, part, generation, left;
  bit folded[LANES], idle;

  do
  :: opening < ROUNDS ->
    open();
#ifdef LOOK
    sum();
    assert(count < 128); /* G1: nobody ends what nobody began */
    count = 0;
#endif
    close();
    drain();
    end_drain()
  FOLD(0)
#if LANES > 1
  FOLD(1)
#endif
  :: opening == ROUNDS -> break
  od;
#ifdef DEL
  do
  FOLD(0)
#if LANES > 1
  FOLD(1)
#endif
  :: inside == 0 && folded[0] && folded[LANES - 1] -> freed = 1; break
  od
#endif
}

init
{
  byte i;

  d_step {
    i = 0;
    do
    :: i < PROCESSES -> early_at[i] = NONE; i++
    :: else -> break
    od;
    early_at[REMOTE] = OFF;
    mem[BEGUN(0)] = START;
    mem[ENDED(0)] = START;
#if LANES > 1
    mem[BEGUN(1)] = START;
    mem[ENDED(1)] = START;
#endif
    i = 0
  };
  atomic {
    run Memory();
    run Control();
    run Lane(0);
#if LANES > 1
    run Lane(1);
#endif
#ifdef HANDOVER
    run Remote()
#endif
  }
}
