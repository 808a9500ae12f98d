/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_audit.c: nvmens_subsys_check notices: each of its conditions is broken by hand in a world
 * where all hold, and must be named; a condition that cannot fail protects nothing.
 */
#include "attach.h"
#include "rig_more.h"
#include "subsys.h"

/*
 * Controllers 0 to 3: 0 and 1 ready, 0 with a detach command that waits; 2 disabled; 3 going.
 * Namespaces: 1 attached to 0 and 1; 2 and 3 draining on 0, 3 by a command; 4 was on 0; 5 nowhere.
 */
typedef struct world {
  rig *r;
  rig_cmd *aer, *waits;
  nvmens_subsys *s;
  nvmens_ctrl *c[4];
  nvmens_attachment *attached, *draining, *owned, *detached, *going;
} world;

static world setup(void)
{
  world w = {.r = rig_new(&(nvmens_subsys_config){.tnvmcap = {UINT64_C(1) << 40, 3}})};
  rig *r = w.r;

  w.s = r->s;
  for (unsigned i = 0; i < 4; i++) {
    rig_ctrl_new(r, NULL);
    w.c[i] = r->ctrl[i]->c;
    if (i != 2)
      rig_enable(r->ctrl[i]);
  }
  for (uint32_t nsid = 1; nsid <= 5; nsid++)
    ck_assert_int_eq(rig_attach(rig_ns_loose(r, nsid), r->ctrl[0]), 0);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), r->ctrl[1]), 0);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), r->ctrl[3]), 0);
  ck_assert_int_eq(rig_unplug(rig_find(r, 4), NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_ns_loose(r, 4);
  ck_assert_int_eq(rig_detach(rig_find(r, 5), r->ctrl[0], NVMENS_ORDERLY, RIG_NEVER), 0);
  r->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(rig_find(r, 2), r->ctrl[0], NVMENS_ORDERLY, RIG_SEC), 0);
  w.waits = rig_host_detach(r->ctrl[0], 3, r->ctrl[0]);
  nvmens_ctrl_del(w.c[3]);
  r->ctrl[3]->c = NULL;
  for (unsigned i = 0; i < 2; i++) {
    rig_changed(r->ctrl[i], RIG_LID4, RIG_CONSUME);
    rig_changed(r->ctrl[i], RIG_LID1C, RIG_CONSUME);
  }
  w.attached = nvmens_nsid_set_get(&w.c[0]->atts, 1);
  w.draining = nvmens_nsid_set_get(&w.c[0]->atts, 2);
  w.owned = nvmens_nsid_set_get(&w.c[0]->atts, 3);
  w.detached = nvmens_nsid_set_get(&w.c[0]->atts, 4);
  w.going = nvmens_nsid_set_get(&w.c[3]->atts, 1);
  rig_check(r);
  return w;
}

#define FINDS(w, number, what)                                                                     \
  do {                                                                                             \
    const char *why_ = NULL;                                                                       \
    int found_ = nvmens_subsys_check((w).s, &why_);                                                \
    RIG_SAY(found_ == (number) && strcmp(why_ ? why_ : "", what) == 0, "found %d: %s", found_,     \
            why_ ? why_ : "");                                                                     \
  } while (0)

/* While lvalue is value, this is found. */
#define BROKEN(w, lvalue, value, number, what)                                                     \
  do {                                                                                             \
    __typeof__((lvalue) + 0) kept_ = (lvalue);                                                     \
    (lvalue) = (value);                                                                            \
    FINDS(w, number, what);                                                                        \
    (lvalue) = kept_;                                                                              \
  } while (0)

START_TEST(I4_a_gate_is_open_iff_attached_and_told)
{
  static const char open[] = "a gate is open though not attached, or before `attached` returned";
  static const char ns[] = "attached to a namespace that is not allocated";
  world w = setup();

  BROKEN(w, w.attached->state, NVMENS_ATT_DETACHED, 4, open);
  BROKEN(w, w.attached->opening, 1, 4, open);
  BROKEN(w, w.attached->ns, NULL, 4, ns);
  BROKEN(w, w.attached->ns->state, NVMENS_NS_DELETING, 4, ns);
  BROKEN(w, w.attached->slot, w.detached->slot, 4, "attached and told, but the gate is not open");
  BROKEN(w, w.c[0]->opening, 1, 4, "the number of gates to be opened is wrong");
  rig_end(w.r);
}
END_TEST

START_TEST(I28_the_list_is_what_should_be_attached)
{
  static const char list[] = "the active list is not what should be attached";
  world w = setup();
  nvmens_nsid_set *active = &w.c[0]->active;
  const nvmens_mem *mem = &w.s->core.mem;

  nvmens_nsid_set_remove(active, mem, 1);
  FINDS(w, 28, list);
  BROKEN(w, w.attached->wish, NVMENS_WISH_DETACH, 28, "what is visible should not be attached");
  ck_assert_int_eq(nvmens_nsid_set_add(active, mem, 1, w.attached), 0);
  BROKEN(w, w.attached->wish, NVMENS_WISH_DETACH, 28, list);
  BROKEN(w, w.attached->wish_gen, 0, 28, list);
  w.detached->wish_gen = ((const nvmens_ns *)nvmens_nsid_set_get(&w.s->ns, 4))->gen;
  BROKEN(w, w.detached->wish, NVMENS_WISH_ATTACH, 28, list);
  ck_assert_int_eq(nvmens_nsid_set_add(active, mem, 4, w.detached), 0);
  BROKEN(w, w.detached->wish, NVMENS_WISH_ATTACH, 28,
         "what should be attached is not, and does not wait");
  nvmens_nsid_set_remove(active, mem, 4);
  w.detached->wish_gen = 0;
  rig_end(w.r);
}
END_TEST

/* Namespace 1 has taken over the NSID of another: at controller 0 it is WANTED, and its host is
 * told; at controller 1, which is not told of anything, it is FENCED. */
static world waiting(nvmens_attachment **wanted, nvmens_attachment **fenced)
{
  world w = {.r = rig_new(NULL)};

  w.s = w.r->s;
  w.c[0] = rig_listening(w.r, RIG_BIT4)->c;
  w.c[1] = rig_ctrl_on(w.r)->c;
  ck_assert_int_eq(rig_unplug(rig_ns_auto(w.r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_ns_auto(w.r, 1);
  *wanted = nvmens_att_of(w.c[0], 1);
  *fenced = nvmens_att_of(w.c[1], 1);
  ck_assert_uint_eq((*wanted)->state, NVMENS_ATT_WANTED);
  ck_assert_uint_eq((*fenced)->state, NVMENS_ATT_FENCED);
  return w;
}

START_TEST(I26_what_is_attached_is_owed_for_nothing)
{
  static const char other[] = "attached, and its host may still have another disk here";
  world w = setup();

  BROKEN(w, w.attached->mark, NVMENS_MARK_ONCE, 26, other);
  BROKEN(w, w.attached->mark, NVMENS_MARK_TWICE, 26, other);
  rig_end(w.r);
}
END_TEST

START_TEST(I27_who_waits_has_a_reason_and_is_told)
{
  static const char settled[] = "an attachment waits for nothing, or its path is not told";
  static const char owes[] = "the list of what this path owes is wrong";
  static const char disk[] = "the attachments of a disk are miscounted";
  nvmens_attachment *wanted, *fenced;
  world w = waiting(&wanted, &fenced);

  BROKEN(w, wanted->waits, NVMENS_WAIT_NOTHING, 27, settled);
  BROKEN(w, wanted->waits, NVMENS_WAIT_DRAINING, 27, settled);
  BROKEN(w, fenced->waits, NVMENS_WAIT_NOTHING, 27, settled);
  BROKEN(w, fenced->waits, NVMENS_WAIT_DISK, 27, settled);
  BROKEN(w, wanted->mark, NVMENS_MARK_NONE, 27, settled); /* nothing is in the way */
  BROKEN(w, fenced->mark, NVMENS_MARK_NONE, 27, settled);
  BROKEN(w, wanted->waited, 0, 27, settled);
  BROKEN(w, fenced->waited, 1, 27, settled);
  BROKEN(w, wanted->told, 0, 27, settled);
  BROKEN(w, fenced->told, 1, 27, settled);
  BROKEN(w, w.c[0]->patience.running, false, 27, settled);
  BROKEN(w, w.c[1]->patience.running, true, 27, settled);
  BROKEN(w, w.c[0]->silent, 1, 27, settled); /* its time is over, and runs */
  BROKEN(w, w.c[0]->nwaited, 0, 27, settled);
  BROKEN(w, w.c[0]->ntold, 2, 27, "the number of what this path is told of is wrong");
  BROKEN(w, w.c[0]->nwaited, 2, 27, "the number of what waits for this path is wrong");
  BROKEN(w, w.c[0]->owed, NULL, 27, owes);
  BROKEN(w, w.c[1]->owed, NULL, 27, owes);
  BROKEN(w, wanted->disk->pending, 7, 27, disk);
  BROKEN(w, wanted->disk->visible, 7, 27, disk);
  BROKEN(w, wanted->disk->serving, 7, 27, disk);
  BROKEN(w, wanted->disk->owed, 7, 27, disk);
  BROKEN(w, wanted->disk->told, 7, 27, disk);
  BROKEN(w, wanted->slot->answer, 7, 27, "barred I/O is answered by what was");
  rig_end(w.r);
}
END_TEST

START_TEST(I16_tokens_and_timers)
{
  world w = setup();

  BROKEN(w, w.draining->state, NVMENS_ATT_DETACHED, 16, "a token is live iff DRAINING or ABORTING");
  BROKEN(w, w.draining->state, NVMENS_ATT_ABORTING, 16, "a timer runs iff DRAINING");
  BROKEN(w, w.owned->timer.at, 0, 23, "the first timer is not the earliest");
  rig_end(w.r);
}
END_TEST

START_TEST(I3_nothing_holds_what_is_detached)
{
  static const char holds[] = "a command holds what is detached";
  world w = setup();

  BROKEN(w, w.detached->slot->base, 1, 3, holds);
  BROKEN(w, w.draining->ns, NULL, 3, holds);
  rig_end(w.r);
}
END_TEST

START_TEST(I18_owners_and_counts)
{
  world w = setup();

  BROKEN(w, w.attached->debt.owner, &w.waits->cmd, 18, "a drain is owned only in DRAINING");
  BROKEN(w, w.waits->cmd.debts->owner, NULL, 18, "a command waits for what another one owns");
  BROKEN(w, w.waits->cmd.waits, 2, 18, "a command waits for another number of drains than it owns");
  BROKEN(w, w.waits->cmd.state, NVMENS_CMD_RUNNING, 18, "a drain is owned by who does not wait");
  BROKEN(w, w.attached->ns->count[NVMENS_ATT_ATTACHED], 3, 18, "attachments are miscounted");
  rig_end(w.r);
}
END_TEST

/* Both events are owed to controller 0, and it has no AER. */
START_TEST(I9_I11_events_are_listed_and_masked)
{
  static const char two[] = "two sources of one type are reported";
  static const char owes[] = "a path owes what is in the way, and its host is not told";
  world w = setup();
  nvmens_notices *n = &w.c[0]->notices;
  nvmens_source *a = &n->source[NVMENS_SOURCE_ATTACHED], *b = &n->source[NVMENS_SOURCE_ALLOCATED];

  RIG_OK(rig_set_aec(w.r->ctrl[0], RIG_BIT4 | RIG_BIT1C));
  BROKEN(w, w.c[0]->ntold, 1, 9, owes);
  ck_assert_int_eq(rig_resize(rig_find(w.r, 1), 5), 0);
  BROKEN(w, a->state, NVMENS_NOTICE_CLEAR, 9, "a clear source is listed");
  BROKEN(w, b->state, NVMENS_NOTICE_CLEAR, 9, "a clear source is listed");
  a->state = NVMENS_NOTICE_REPORTED;
  BROKEN(w, b->state, NVMENS_NOTICE_REPORTED, 11, two);
  n->scope = NVMENS_MASK_EVENT;
  b->state = NVMENS_NOTICE_REPORTED;
  FINDS(w, 0, "");
  n->scope = NVMENS_MASK_TYPE;
  a->state = b->state = NVMENS_NOTICE_PENDING;
  RIG_OK(rig_set_aec(w.r->ctrl[0], 0));
  w.aer = rig_aer(w.r->ctrl[0]);
  BROKEN(w, n->aec, RIG_BIT4, 10, "an AER is parked and an event could be delivered");
  ck_assert_int_eq(rig_post(w.r->ctrl[0], NVMENS_AER_ERROR, 0, 1, 1), 0); /* source 0 */
  BROKEN(w, n->aec, 1, 10, "an AER is parked and an event could be delivered");
  BROKEN(w, n->parked_count, 5, 12, "too many AERs are parked");
  rig_end(w.r);
}
END_TEST

/* The last event of one type and the first of the next. */
START_TEST(I11_types_are_told_apart)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_post(c, NVMENS_AER_ERROR, 0xFF, 1, 0), 0);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_SMART, 0, 2, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), 0x0001FF00);
  ck_assert_uint_eq(rig_event_now(c), 0x00020001);
  ck_assert_int_eq(nvmens_subsys_check(r->s, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(I15_a_disabled_controller_has_nothing)
{
  static const char own[] = "a disabled controller has events, AERs, or a feature 0Bh of its own";
  world w = setup();
  nvmens_ctrl *c = w.c[1];

  rig_reenable(w.r->ctrl[1]);
  BROKEN(w, c->state, NVMENS_CTRL_DISABLED, 27, "the attachments of a disk are miscounted");
  BROKEN(w, w.c[2]->notices.aec, RIG_BIT4, 15, own);
  BROKEN(w, w.c[2]->changed[NVMENS_LOG_ALLOCATED].since.overflow, 1, 15,
         "a disabled controller has a log");
  w.aer = rig_aer(w.r->ctrl[1]);
  BROKEN(w, c->state, NVMENS_CTRL_DISABLED, 15, own);
  RIG_OK(rig_abort(w.r->ctrl[1], w.aer->cid));
  ck_assert_int_eq(rig_resize(rig_find(w.r, 1), 5), 0);
  BROKEN(w, c->state, NVMENS_CTRL_GOING, 15, own);
  rig_end(w.r);
}
END_TEST

START_TEST(I2_objects_are_listed_and_counted)
{
  static const char counts[] = "attachments are miscounted";
  world w = setup();

  BROKEN(w, w.c[0]->live, w.c[0]->live + 1, 2, "the number of attachments is wrong");
  BROKEN(w, w.c[0]->count[NVMENS_ATT_WANTED], 1, 2, "attachments of a controller are miscounted");
  BROKEN(w, w.s->attached, 100, 2, counts);
  BROKEN(w, w.c[1]->cntlid, 0, 2, "CNTLIDs out of order");
  BROKEN(w, w.attached->ns, nvmens_nsid_set_get(&w.s->ns, 5), 2,
         "an attachment is listed by another namespace");
  rig_end(w.r);
}
END_TEST

START_TEST(I6_I7_I19_namespaces)
{
  static const char cap[] = "UNVMCAP is not TNVMCAP less what is allocated";
  static const char nothing[] = "a namespace being deleted waits for nothing";
  world w = setup();
  nvmens_ns *idle = nvmens_nsid_set_get(&w.s->ns, 5);

  BROKEN(w, w.attached->ns->shared, 0, 7, "a private namespace has two controllers");
  BROKEN(w, w.s->unvmcap.lo, 0, 6, cap);
  BROKEN(w, w.s->unvmcap.hi, 7, 6, cap);
  BROKEN(w, idle->state, NVMENS_NS_DELETING, 19, nothing);
  idle->state = NVMENS_NS_DELETING;
  BROKEN(w, idle->pins, 1, 0, "");
  BROKEN(w, idle->leaving, 1, 0, "");
  idle->state = NVMENS_NS_ALLOCATED;
  rig_end(w.r);
}
END_TEST

START_TEST(I19_a_controller_that_goes_waits)
{
  static const char nothing[] = "a controller being removed waits for nothing";
  static const char count[] = "the number of attachments is wrong";
  world w = setup();
  nvmens_ctrl *going = w.c[3];
  nvmens_cmd cmd = {.state = NVMENS_CMD_RUNNING};
  const uint32_t live = going->live;

  BROKEN(w, going->live, 0, 19, nothing);
  going->live = 0; /* something else is left: then it is the count alone that is wrong */
  BROKEN(w, going->pins, 1, 2, count);
  BROKEN(w, going->ncmds, 1, 1, "commands are miscounted");
  going->cmds = &cmd;
  BROKEN(w, going->ncmds, 1, 2, count);
  BROKEN(w, going->ncmds_old, 1, 2, count);
  going->cmds = NULL;
  BROKEN(w, going->released.next, &going->released, 2, count);
  going->live = live;
  rig_end(w.r);
}
END_TEST

/* Left unanswered: by a host, by a controller without a host ID, by a host that is forgotten. */
START_TEST(I30_what_is_left_unanswered_is_counted)
{
  static const char host[] = "what a host has left unanswered is miscounted";
  static const char all[] = "what was left unanswered is miscounted";
  static const char kept[] =
      "what was left unanswered has a command, an answer, or the host's data";
  static const uint8_t ids[] = {1, 2, 0, 2};
  world w = {.r = rig_new(&(nvmens_subsys_config){.max_ctrls = 1})};
  nvmens_token token[4];
  nvmens_prep_data data;
  nvmens_prep *prep;
  nvmens_cmd cmd;

  w.s = w.r->s;
  w.r->prepare = RIG_PREPARE_PENDING;
  for (unsigned i = 0; i < 4; i++) {
    rig_ctrl *c = more_ctrl_of(w.r, ids[i]);

    rig_host_create(c, 8, 1);
    token[i] = w.r->prepare_token;
    if (i < 3) /* the last one waits */
      rig_ctrl_del(c);
    if (i == 1) /* two are away: the first is forgotten */
      ck_assert_uint_eq(w.s->unanswered_forgotten, 1);
  }
  rig_check(w.r);
  prep = nvmens_tokens_find(&w.s->tokens, token[1], NVMENS_TOKEN_PREP);
  BROKEN(w, prep->cmd, &cmd, 30, kept);
  BROKEN(w, prep->data, &data, 30, kept);
  BROKEN(w, prep->answered, 1, 30, kept);
  BROKEN(w, prep->count, NULL, 30, host);
  BROKEN(w, w.s->hosts->unanswered, 0, 30, host);
  BROKEN(w, w.s->unanswered_unknown, 0, 30, all);
  BROKEN(w, w.s->unanswered_forgotten, 2, 30, all);
  BROKEN(w, w.s->unanswered, 2, 30, all);
  for (unsigned i = 0; i < 4; i++) {
    w.r->prepare_token = token[i];
    ck_assert_int_eq(rig_prepared(w.r, 0, NULL), 0);
  }
  rig_end(w.r);
}
END_TEST

static void check_inside(rig *r, const rig_event *e)
{
  (void)e;
  ck_assert_int_eq(nvmens_subsys_check(r->s, NULL), 0);
}

/* T4: effects may be queued, and running. */
START_TEST(T4_it_may_be_asked_in_a_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_aer(c);
  r->react = check_inside;
  r->react_on = ~0u;
  rig_ns_auto(r, 1);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(nvmens_subsys_check(NULL, NULL), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

/* Between two completions there is an event to deliver and an AER that is parked. */
START_TEST(I10_events_that_are_about_to_be_delivered)
{
  rig *r = rig_new(&(nvmens_subsys_config){.mask_scope = NVMENS_MASK_EVENT});
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);
  rig_cmd *aer[2] = {rig_aer(c), rig_aer(c)};

  r->react = check_inside;
  r->react_on = RIG_BIT(RIG_COMPLETE) | RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  RIG_OK(aer[0]);
  RIG_OK(aer[1]);
  r->react = NULL;
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("audit", I4_a_gate_is_open_iff_attached_and_told,
                 I28_the_list_is_what_should_be_attached, I26_what_is_attached_is_owed_for_nothing,
                 I27_who_waits_has_a_reason_and_is_told, I16_tokens_and_timers,
                 I3_nothing_holds_what_is_detached, I18_owners_and_counts,
                 I9_I11_events_are_listed_and_masked, I11_types_are_told_apart,
                 I15_a_disabled_controller_has_nothing, I2_objects_are_listed_and_counted,
                 I6_I7_I19_namespaces, I19_a_controller_that_goes_waits,
                 I30_what_is_left_unanswered_is_counted, T4_it_may_be_asked_in_a_hook,
                 I10_events_that_are_about_to_be_delivered);
}
