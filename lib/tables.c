/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tables.c: the five tables and nothing else. Floor 1.
 *
 * A row is an event, a column a state. docs/states.md is printed from this.
 */
#include "tables.h"

#include "always.h"

#define GO(next, actions, rule, why)                                                               \
  {                                                                                                \
    NVMENS_GO, (next), (actions), 0, 0, (rule), (why)                                              \
  }
#define STAY(state, rule, why)                                                                     \
  {                                                                                                \
    NVMENS_GO, (state), 0, 0, 0, (rule), (why)                                                     \
  }
#define NO(sf, err, rule, why)                                                                     \
  {                                                                                                \
    NVMENS_REFUSE, 0, 0, (sf), (err), (rule), (why)                                                \
  }
#define NEVER(why)                                                                                 \
  {                                                                                                \
    NVMENS_NEVER_CELL, 0, 0, 0, 0, "", (why)                                                       \
  }
#define DNR NVMENS_SF_DNR

#define TABLE(machine, n_events, n_states)                                                         \
  {                                                                                                \
#machine, machine##_state, machine##_event, machine##_action,                                  \
        &machine##_cell[0][0], (n_states), (n_events)                                              \
  }

/* ---- controller ---- */
enum {
  DIS = NVMENS_CTRL_DISABLED,
  RDY = NVMENS_CTRL_READY,
  SHN = NVMENS_CTRL_SHUTDOWN,
  GOING = NVMENS_CTRL_GOING
};
#define RESET (NVMENS_DO_EPOCH | NVMENS_DO_RESET_DONE)
static const char *const controller_state[] = {"DISABLED", "READY", "SHUTDOWN", "GOING"};
static const char *const controller_event[] = {"enable", "reset", "shutdown", "remove"};
static const char *const controller_action[] = {"ready", "unready", "epoch", "abort-all",
                                                "reset_done"};
static const nvmens_cell controller_cell[4][4] = {
    /* enable */
    {GO(RDY, NVMENS_DO_READY, "R24", "attachments are as they were"),
     NO(0, NVMENS_ERR_BUSY, "", "it is enabled already"),
     NO(0, NVMENS_ERR_BUSY, "", "reset comes first"),
     NO(0, NVMENS_ERR_STALE, "", "it is being removed")},
    /* reset */
    {GO(DIS, RESET, "R35", "a second reset finds nothing more to drop"),
     GO(DIS, NVMENS_DO_UNREADY | RESET, "R35", "AERs vanish, events are dropped"),
     GO(DIS, RESET, "R35", "the way out of a shutdown"),
     STAY(GOING, "", "its commands are dropped already")},
    /* shutdown */
    {STAY(DIS, "R37", "nothing runs"),
     GO(SHN, NVMENS_DO_UNREADY, "R37", "commands end with 005h; parked AERs end with their queue"),
     STAY(SHN, "R37", "asked twice"), STAY(GOING, "", "more than a shutdown is under way")},
    /* remove */
    {GO(GOING, NVMENS_DO_EPOCH | NVMENS_DO_ABORT_ALL, "R51",
        "its commands end, then its attachments"),
     GO(GOING, NVMENS_DO_UNREADY | NVMENS_DO_EPOCH | NVMENS_DO_ABORT_ALL, "R51", "as above"),
     GO(GOING, NVMENS_DO_EPOCH | NVMENS_DO_ABORT_ALL, "R51", "as above"),
     STAY(GOING, "", "asked twice")},
};

/* ---- namespace ---- */
enum { ABS = NVMENS_NS_ABSENT, ALL = NVMENS_NS_ALLOCATED, DEL = NVMENS_NS_DELETING };
static const char *const namespace_state[] = {"ABSENT", "ALLOCATED", "DELETING"};
static const char *const namespace_event[] = {"create",          "delete", "unplug",
                                              "unplug surprise", "update", "quiet"};
static const char *const namespace_action[] = {
    "debit", "credit", "record 1Ch", "record 04h", "remove each", "abort each", "own", "release"};
static const nvmens_cell namespace_cell[6][3] = {
    /* create */
    {GO(ALL, NVMENS_DO_DEBIT | NVMENS_DO_RECORD_ALLOCATED, "R8 R40 R54",
        "unattached, announced everywhere"),
     NO(0, NVMENS_ERR_EXISTS, "R3", "the NSID is taken"),
     NO(0, NVMENS_ERR_BUSY, "R15", "the NSID comes back at released")},
    /* delete */
    {NO(NVMENS_SC_INVALID_FIELD | DNR, 0, "R14", "unallocated"),
     GO(DEL, NVMENS_DO_REMOVE_EACH | NVMENS_DO_RECORD_ALLOCATED | NVMENS_DO_OWN_NS, "R15 R40 R41",
        "published at once, completed when quiet"),
     NO(NVMENS_SC_INVALID_FIELD | DNR, 0, "R14", "not in CNS 10h any more")},
    /* unplug */
    {NO(0, NVMENS_ERR_STALE, "P16", "a reference of the past"),
     GO(DEL, NVMENS_DO_REMOVE_EACH | NVMENS_DO_RECORD_ALLOCATED, "R40 R51", "published at once"),
     GO(DEL, NVMENS_DO_REMOVE_EACH, "", "joins; the earlier deadline counts")},
    /* unplug surprise */
    {NO(0, NVMENS_ERR_STALE, "P16", "a reference of the past"),
     GO(DEL, NVMENS_DO_ABORT_EACH | NVMENS_DO_RECORD_ALLOCATED, "R40 R51",
        "published and aborted at once"),
     GO(DEL, NVMENS_DO_ABORT_EACH, "", "aborts what still drains")},
    /* update */
    {NO(0, NVMENS_ERR_STALE, "P16", "a reference of the past"),
     GO(ALL, NVMENS_DO_RECORD_ATTACHED | NVMENS_DO_RECORD_ALLOCATED, "R38 R39",
        "its Identify data changed"),
     NO(0, NVMENS_ERR_BUSY, "", "it is on its way out")},
    /* quiet */
    {NEVER("it was quiet before"), NEVER("only a namespace on its way out is waited for"),
     GO(ABS, NVMENS_DO_CREDIT | NVMENS_DO_RELEASE, "R15", "no command holds it")},
};

/* ---- attachment ---- */
enum {
  DET = NVMENS_ATT_DETACHED,
  WAN = NVMENS_ATT_WANTED,
  FEN = NVMENS_ATT_FENCED,
  ATT = NVMENS_ATT_ATTACHED,
  DRA = NVMENS_ATT_DRAINING,
  ABO = NVMENS_ATT_ABORTING
};
#define LEAVE    (NVMENS_DO_CLOSE | NVMENS_DO_RECORD)
#define DISCLOSE (NVMENS_DO_UNWANT | NVMENS_DO_RECORD)
#define AGAIN    "attached again when it has drained"
static const char *const attachment_state[] = {"DETACHED", "WANTED",   "FENCED",
                                               "ATTACHED", "DRAINING", "ABORTING"};
static const char *const attachment_event[] = {"want",    "attach",          "show",
                                               "hide",    "detach",          "remove",
                                               "abort",   "remove surprise", "controller goes",
                                               "drained", "deadline"};
static const char *const attachment_action[] = {"attached, open",
                                                "record",
                                                "close, drain_begin",
                                                "timer",
                                                "timer: the earlier",
                                                "stop timer",
                                                "own",
                                                "settle",
                                                "drain_abort",
                                                "detached",
                                                "unlink"};
static const nvmens_cell attachment_cell[11][6] = {
    /* want */
    {GO(WAN, 0, "R56 R57", "not seen by the host yet"),
     NO(NVMENS_SC_NS_ALREADY_ATTACHED | DNR, NVMENS_ERR_EXISTS, "R58", "asked for already"),
     NO(NVMENS_SC_NS_ALREADY_ATTACHED | DNR, NVMENS_ERR_EXISTS, "R58", "listed already"),
     NO(NVMENS_SC_NS_ALREADY_ATTACHED | DNR, NVMENS_ERR_EXISTS, "R22", "attached already"),
     STAY(DRA, "R57 R58", AGAIN), STAY(ABO, "R57 R58", AGAIN)},
    /* attach */
    {NEVER("it is WANTED first"),
     GO(ATT, NVMENS_DO_ATTACH | NVMENS_DO_RECORD, "R22 R40 R57",
        "visible; open once the backend knows"),
     GO(ATT, NVMENS_DO_ATTACH, "R64", "visible before; open once the backend knows"),
     NEVER("attached already"), NEVER("it has to drain first"), NEVER("it has to drain first")},
    /* show */
    {NEVER("nobody wants it"), GO(FEN, NVMENS_DO_RECORD, "R64", "visible, and barred"),
     NEVER("visible already"), NEVER("visible already"), NEVER("it has to drain first"),
     NEVER("it has to drain first")},
    /* hide */
    {NEVER("nobody wants it"), NEVER("not visible"),
     GO(WAN, NVMENS_DO_RECORD, "R64 H3", "its host drops the old disk first"),
     NEVER("its path has let go"), NEVER("not visible"), NEVER("not visible")},
    /* detach */
    {NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_NOT_ATTACHED, "R22", "nothing to detach"),
     GO(DET, NVMENS_DO_UNWANT, "R58", "it was never seen"),
     GO(DET, DISCLOSE, "R58", "nothing could hold it"),
     GO(DRA, LEAVE | NVMENS_DO_TIMER | NVMENS_DO_OWN, "R51", "publish, bar, drain"),
     NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_BUSY, "R22",
        "detached already, still draining"),
     NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_BUSY, "R22",
        "detached already, still draining")},
    /* remove: the namespace goes, or its command set is not enabled */
    {STAY(DET, "R15", "nothing to do here"), GO(DET, NVMENS_DO_UNWANT, "R15", "it was never seen"),
     GO(DET, DISCLOSE, "R15", "nothing could hold it"),
     GO(DRA, LEAVE | NVMENS_DO_TIMER, "R15 R51 R59",
        "as detach; a command waits for the namespace"),
     GO(DRA, NVMENS_DO_TIMER_MIN, "R15", "drains already; who owns it keeps it"),
     STAY(ABO, "R15", "is being aborted already")},
    /* abort: surprise detach */
    {NO(0, NVMENS_ERR_NOT_ATTACHED, "R22", "nothing to detach"),
     GO(DET, NVMENS_DO_UNWANT, "R58", "it was never seen"),
     GO(DET, DISCLOSE, "R58", "nothing could hold it"),
     GO(ABO, LEAVE | NVMENS_DO_ABORT, "R51", "no time to wait"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "no more time to wait"),
     STAY(ABO, "R51", "asked twice")},
    /* remove surprise */
    {STAY(DET, "R15", "nothing to do here"), GO(DET, NVMENS_DO_UNWANT, "R15", "it was never seen"),
     GO(DET, DISCLOSE, "R15", "nothing could hold it"),
     GO(ABO, LEAVE | NVMENS_DO_ABORT, "R51", "no time to wait"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "no more time to wait"),
     STAY(ABO, "R51", "is being aborted already")},
    /* controller goes */
    {STAY(DET, "", "nothing to do here"), GO(DET, NVMENS_DO_UNWANT, "", "it was never seen"),
     NEVER("a controller that is not ready hides it before"),
     GO(ABO, NVMENS_DO_CLOSE | NVMENS_DO_ABORT, "R51", "nobody is left to be told"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "nobody is left to wait"),
     STAY(ABO, "", "is being aborted already")},
    /* drained: the hook's half and the gate's */
    {NEVER("a token lives only in a drain"), NEVER("a token lives only in a drain"),
     NEVER("a token lives only in a drain"), NEVER("a token lives only in a drain"),
     GO(DET, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_DETACH, "R51",
        "no command holds it"),
     GO(DET, NVMENS_DO_DETACH, "R51", "no command holds it")},
    /* deadline */
    {NEVER("the timer runs only in DRAINING"), NEVER("the timer runs only in DRAINING"),
     NEVER("the timer runs only in DRAINING"), NEVER("the timer runs only in DRAINING"),
     GO(ABO, NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R15 C17",
        "the host is answered, the backend told"),
     NEVER("the timer runs only in DRAINING")},
};

/* ---- notice ---- */
enum { CLR = NVMENS_NOTICE_CLEAR, PEN = NVMENS_NOTICE_PENDING, REP = NVMENS_NOTICE_REPORTED };
static const char *const notice_state[] = {"CLEAR", "PENDING", "REPORTED"};
static const char *const notice_event[] = {"change",  "quiet change",
                                           "deliver", "deliver (self-clearing)",
                                           "read",    "read, something left",
                                           "peek",    "bit on",
                                           "bit off", "reset"};
static const char *const notice_action[] = {"queue", "unqueue", "complete AER", "join"};
static const nvmens_cell notice_cell[10][3] = {
    /* change */
    {GO(PEN, NVMENS_DO_QUEUE, "R30", "owed to the host"),
     GO(PEN, NVMENS_DO_JOIN, "R30", "one event says it all; the log grows"),
     GO(REP, NVMENS_DO_JOIN, "R28 R44",
        "masked; the read will find it, or be followed by an event")},
    /* quiet change */
    {STAY(CLR, "R41", "the log grows"), STAY(PEN, "R41", "the log grows"),
     STAY(REP, "R41", "the log grows")},
    /* deliver */
    {NEVER("nothing is owed"),
     GO(REP, NVMENS_DO_UNQUEUE | NVMENS_DO_COMPLETE, "R26 R28", "mask and completion are one step"),
     NEVER("it is masked")},
    /* deliver, self-clearing */
    {NEVER("nothing is owed"),
     GO(CLR, NVMENS_DO_UNQUEUE | NVMENS_DO_COMPLETE, "R27", "no log clears it"),
     NEVER("it has no mask")},
    /* read */
    {STAY(CLR, "R43", "consumed"),
     GO(CLR, NVMENS_DO_UNQUEUE, "R30", "read before it was sent: not sent"),
     GO(CLR, 0, "R29", "cleared")},
    /* read, something left */
    {STAY(CLR, "R41", "what is left was quiet"), STAY(PEN, "R44", "there is more to read"),
     GO(PEN, NVMENS_DO_QUEUE, "R44", "the change that raced the read")},
    /* peek */
    {STAY(CLR, "R29", "RAE, failure, or old epoch"), STAY(PEN, "R29", "RAE, failure, or old epoch"),
     STAY(REP, "R29", "RAE, failure, or old epoch")},
    /* bit on */
    {STAY(CLR, "R32", "nothing to tell"), STAY(PEN, "R32", "can be delivered now"),
     NEVER("with the bit off it is not reported")},
    /* bit off */
    {STAY(CLR, "R32", "nothing to tell"), STAY(PEN, "R32", "not delivered while off"),
     GO(PEN, NVMENS_DO_QUEUE, "R32", "the condition is still true: told when it is on again")},
    /* reset */
    {STAY(CLR, "R35", "new epoch"), GO(CLR, NVMENS_DO_UNQUEUE, "R35", "dropped"),
     GO(CLR, 0, "R35", "dropped")},
};

/* ---- mark ---- */
enum { NON = NVMENS_MARK_NONE, ONC = NVMENS_MARK_ONCE, TWI = NVMENS_MARK_TWICE };
#define OWED NEVER("only what is owed is asked for")
static const char *const mark_state[] = {"NONE", "ONCE", "TWICE"};
static const char *const mark_event[] = {"left",  "back",       "read done", "read begins",
                                         "reset", "identified", "gone"};
static const char *const mark_action[] = {"let go"};
static const nvmens_cell mark_cell[7][3] = {
    /* left */
    {GO(TWI, 0, "R60", "one scan drops the disk, the next begins after that"),
     NEVER("it was not there"), NEVER("it was not there")},
    /* back */
    {OWED, GO(NON, 0, "R60", "what the host may have is true again"),
     GO(NON, 0, "R60", "what the host may have is true again")},
    /* read done */
    {OWED, NEVER("a read that counts began before it was ONCE, or ended that"),
     GO(ONC, 0, "R61", "the scan that follows drops the disk")},
    /* read begins */
    {OWED, GO(NON, NVMENS_DO_LET_GO, "R61", "the scan before this one has ended"),
     NEVER("only ONCE is asked: the scan that drops the disk is still to come")},
    /* reset */
    {OWED, GO(TWI, 0, "R61", "the scan may have ended early"),
     STAY(TWI, "R61", "a scan of the new epoch counts")},
    /* identified */
    {OWED, GO(NON, NVMENS_DO_LET_GO, "R64", "the host knows what is there now"),
     GO(NON, NVMENS_DO_LET_GO, "R64", "the host knows what is there now")},
    /* gone */
    {OWED, NEVER("the end of its epoch made it TWICE"),
     GO(NON, NVMENS_DO_LET_GO, "R67", "the disks go with the controller")},
};

const nvmens_table nvmens_tables[NVMENS_MACHINES] = {
    TABLE(controller, 4, 4), TABLE(namespace, 6, 3), TABLE(attachment, 11, 6),
    TABLE(notice, 10, 3),    TABLE(mark, 7, 3),
};
