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
static const char *const controller_state[] = {"DISABLED", "READY", "SHUTDOWN", "GOING"};
static const char *const controller_event[] = {"enable", "reset", "shutdown", "remove"};
static const char *const controller_action[] = {"ready", "unready", "epoch", "abort-all"};
static const nvmens_cell controller_cell[4][4] = {
    /* enable */
    {GO(RDY, NVMENS_DO_READY, "R24", "attachments are as they were"),
     NO(0, NVMENS_ERR_BUSY, "", "it is enabled already"),
     NO(0, NVMENS_ERR_BUSY, "", "reset comes first"),
     NO(0, NVMENS_ERR_STALE, "", "it is being removed")},
    /* reset */
    {GO(DIS, NVMENS_DO_EPOCH, "R35", "a second reset finds nothing more to drop"),
     GO(DIS, NVMENS_DO_UNREADY | NVMENS_DO_EPOCH, "R35", "AERs vanish, events are dropped"),
     GO(DIS, NVMENS_DO_EPOCH, "R35", "the way out of a shutdown"),
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
  ATT = NVMENS_ATT_ATTACHED,
  DRA = NVMENS_ATT_DRAINING,
  ABO = NVMENS_ATT_ABORTING
};
#define LEAVE (NVMENS_DO_CLOSE | NVMENS_DO_RECORD)
static const char *const attachment_state[] = {"DETACHED", "ATTACHED", "DRAINING", "ABORTING"};
static const char *const attachment_event[] = {"attach",  "detach",          "remove",
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
                                                "detached"};
static const nvmens_cell attachment_cell[8][4] = {
    /* attach */
    {GO(ATT, NVMENS_DO_ATTACH | NVMENS_DO_RECORD, "R22 R40",
        "visible; open once the backend knows"),
     NO(NVMENS_SC_NS_ALREADY_ATTACHED | DNR, NVMENS_ERR_EXISTS, "R22", "attached already"),
     NO(NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_BUSY, "R22", "the former attachment still drains"),
     NO(NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_BUSY, "R22", "the former attachment still drains")},
    /* detach */
    {NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_NOT_ATTACHED, "R22", "nothing to detach"),
     GO(DRA, LEAVE | NVMENS_DO_TIMER | NVMENS_DO_OWN, "R51", "publish, bar, drain"),
     NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_BUSY, "R22",
        "detached already, still draining"),
     NO(NVMENS_SC_NS_NOT_ATTACHED | DNR, NVMENS_ERR_BUSY, "R22",
        "detached already, still draining")},
    /* remove: the namespace goes */
    {STAY(DET, "R15", "nothing to do here"),
     GO(DRA, LEAVE | NVMENS_DO_TIMER, "R15 R51", "as detach; a command waits for the namespace"),
     GO(DRA, NVMENS_DO_TIMER_MIN, "R15", "drains already; who owns it keeps it"),
     STAY(ABO, "R15", "is being aborted already")},
    /* abort: surprise detach */
    {NO(0, NVMENS_ERR_NOT_ATTACHED, "R22", "nothing to detach"),
     GO(ABO, LEAVE | NVMENS_DO_ABORT, "R51", "no time to wait"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "no more time to wait"),
     STAY(ABO, "R51", "asked twice")},
    /* remove surprise */
    {STAY(DET, "R15", "nothing to do here"),
     GO(ABO, LEAVE | NVMENS_DO_ABORT, "R51", "no time to wait"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "no more time to wait"),
     STAY(ABO, "R51", "is being aborted already")},
    /* controller goes */
    {STAY(DET, "", "nothing to do here"),
     GO(ABO, NVMENS_DO_CLOSE | NVMENS_DO_ABORT, "R51", "nobody is left to be told"),
     GO(ABO, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_ABORT, "R51",
        "nobody is left to wait"),
     STAY(ABO, "", "is being aborted already")},
    /* drained: the hook's half and the gate's */
    {NEVER("a token lives only in a drain"), NEVER("a token lives only in a drain"),
     GO(DET, NVMENS_DO_TIMER_STOP | NVMENS_DO_SETTLE | NVMENS_DO_DETACH, "R51",
        "no command holds it"),
     GO(DET, NVMENS_DO_DETACH, "R51", "no command holds it")},
    /* deadline */
    {NEVER("the timer runs only in DRAINING"), NEVER("the timer runs only in DRAINING"),
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

/* ---- swap mark ---- */
enum {
  NON = NVMENS_MARK_NONE,
  SWA = NVMENS_MARK_SWAPPED,
  SHO = NVMENS_MARK_SHOWN,
  BLO = NVMENS_MARK_BLOCKING,
  CLE = NVMENS_MARK_CLEARING
};
#define BLOCK (NVMENS_DO_LIST | NVMENS_DO_TELL)
static const char *const mark_state[] = {"NONE", "SWAPPED", "SHOWN", "BLOCKING", "CLEARING"};
static const char *const mark_event[] = {"attach, same identity",
                                         "attach, other identity",
                                         "CNS 03h shown",
                                         "read while REPORTED",
                                         "read while PENDING",
                                         "reset",
                                         "ready",
                                         "left, another path has it",
                                         "left, another path has another"};
static const char *const mark_action[] = {"list", "unlist", "loud change", "loud change at peers",
                                          "forget"};
static const nvmens_cell mark_cell[9][5] = {
    /* attach, same */
    {STAY(NON, "C14", "what the host knows"),
     STAY(SWA, "C14", "A to B to A: the host may have seen B"),
     STAY(SHO, "C14", "an event is owed already"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "its scan will drop what is in the way"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "a scan may have come too late to drop it")},
    /* attach, other */
    {GO(SWA, 0, "C14", "its scan will drop the old disk"), STAY(SWA, "C14", "still to be seen"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "what was shown is gone again"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "its scan will drop what is in the way"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "a scan may have come too late to drop it")},
    /* shown */
    {STAY(NON, "C14", "nothing changed"),
     GO(SHO, NVMENS_DO_LIST | NVMENS_DO_TELL, "C14",
        "that scan dropped the disk: one more scan adds it"),
     STAY(SHO, "C14", "told already"), NEVER("nothing is there to be shown"),
     NEVER("nothing is there to be shown")},
    /* consuming read while REPORTED */
    {NEVER("only what is listed is asked for"), NEVER("only what is listed is asked for"),
     GO(NON, NVMENS_DO_UNLIST | NVMENS_DO_TELL_PEERS, "C14",
        "the scan that follows adds it, and lets the host's other paths be added"),
     GO(CLE, NVMENS_DO_TELL, "C14", "the scan that follows drops the disk; the next read ends it"),
     GO(NON, NVMENS_DO_UNLIST | NVMENS_DO_TELL_PEERS | NVMENS_DO_FORGET, "C14",
        "the disk is gone")},
    /* consuming read while PENDING */
    {NEVER("only what is listed is asked for"), NEVER("only what is listed is asked for"),
     STAY(SHO, "C14", "the event is still owed: it starts the scan"),
     STAY(BLO, "C14", "the event is still owed: it starts the scan"),
     STAY(CLE, "C14", "the event is still owed: it ends the scan")},
    /* reset */
    {NEVER("only what is listed is asked for"),
     NEVER("it stays SWAPPED: the driver may keep its disks over a reset"),
     GO(SWA, NVMENS_DO_UNLIST, "C14", "the event was dropped: show it again"),
     STAY(BLO, "C14", "told again once it is ready"),
     GO(BLO, 0, "C14", "the scan may have ended early: told again once it is ready")},
    /* ready */
    {NEVER("only what is listed is asked for"), NEVER("only what is listed is asked for"),
     NEVER("the reset before has unlisted it"),
     GO(BLO, NVMENS_DO_TELL, "C14", "the driver may keep its disks over a reset"),
     NEVER("the reset before has made it BLOCKING")},
    /* left, another path has it */
    {STAY(NON, "C14", "the host has the same disk here, or none"),
     GO(BLO, BLOCK, "C14", "an older disk of this path is in the way of the other"),
     STAY(SHO, "C14", "the event that is owed ends that"), STAY(BLO, "C14", "told already"),
     STAY(CLE, "C14", "the event that is owed ends that")},
    /* left, another path has another */
    {GO(BLO, BLOCK, "C14", "the disk of this path is in the way of the other"),
     GO(BLO, BLOCK, "C14", "the disk of this path is in the way of the other"),
     GO(BLO, NVMENS_DO_TELL, "C14", "what was shown may have been added"),
     STAY(BLO, "C14", "told already"), STAY(CLE, "C14", "the event that is owed ends that")},
};

const nvmens_table nvmens_tables[NVMENS_MACHINES] = {
    TABLE(controller, 4, 4), TABLE(namespace, 6, 3), TABLE(attachment, 8, 4),
    TABLE(notice, 10, 3),    TABLE(mark, 9, 5),
};
