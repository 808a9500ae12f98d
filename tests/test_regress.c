/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_regress.c: faults that were found once and must not come back: calls from hooks, the order
 * of answers and events, backends that do not answer (T4, C8, C14; R15, R43, P21; principle 7).
 * Objects, ends and costs: test_regress_more.c.
 */
#include "rig_more.h"

#define SF300 ((uint16_t)NVMENS_SC_INTERNAL_PATH_ERROR)

static uint8_t page[NVMENS_PAGE];

static void on(rig *r, uint32_t hooks, void (*react)(rig *, const rig_event *), void *arg)
{
  r->react = react;
  r->react_on = hooks;
  r->react_arg = arg;
}

/* ---- T4: a removal in a hook of the reset ---- */

static void remove_here(rig *r, const rig_event *e)
{
  r->react_on = 0;
  nvmens_ctrl_del(e->ctrl->c);
}

START_TEST(T4_a_removal_in_cmd_drop_of_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *first = rig_aer(c), *second = rig_aer(c);

  rig_ns_auto(r, 1);
  rig_log_clear(r);
  on(r, RIG_BIT(RIG_DROP), remove_here, NULL);
  rig_reset(c); /* looks at the controller until the last old command is gone */
  rig_rest(r);
  ck_assert_uint_eq(first->dropped + second->dropped, 2);
  ck_assert_int_eq(c->released, 1);
  ck_assert_uint_eq(rig_count(r, RIG_CTRL_RELEASED), 1);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), 1);
  rig_end(r);
}
END_TEST

START_TEST(T4_a_removal_in_the_last_hook_of_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_aer(c); /* nothing is left afterwards: it is freed at once */
  on(r, RIG_BIT(RIG_DROP), remove_here, NULL);
  rig_reset(c);
  ck_assert_int_eq(c->released, 1);
  rig_end(r);
}
END_TEST

/* ---- principle 7: a backend that does not answer ---- */

enum { ORPHANS = 64, ROUNDS = 300 };

typedef struct tokens {
  nvmens_token all[2 * ROUNDS];
  unsigned count;
} tokens;

static void keep_token(rig *r, const rig_event *e)
{
  tokens *t = r->react_arg;

  ck_assert_uint_lt(t->count, 2 * ROUNDS);
  t->all[t->count++] = e->token;
}

/* One token is answered; what was made for a create comes back. */
static void answer(rig *r, nvmens_token token, int create)
{
  rig_ns *ns;

  r->prepare_token = token;
  r->intent.create = (uint8_t)create;
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  if (create)
    ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
}

static rig *stuck_world(tokens *t)
{
  rig *r = rig_new(NULL);

  memset(t, 0, sizeof(*t));
  r->prepare = RIG_PREPARE_PENDING;
  on(r, RIG_BIT(RIG_PREPARE), keep_token, t);
  rig_ctrl_on(r);
  rig_ctrl_on(r);
  rig_ns_loose(r, 1);
  return r;
}

START_TEST(principle_7_resets_do_not_make_unanswered_creates_many)
{
  static tokens t;
  rig *r = stuck_world(&t);
  rig_ctrl *c = r->ctrl[0];
  unsigned live = 0, i;

  for (i = 0; i < ROUNDS; i++) {
    rig_cmd *cmd = rig_host_create(c, 8, 1);

    ck_assert_int_eq(rig_is_open(cmd), i < ORPHANS);
    if (i >= ORPHANS)
      RIG_FAILS(cmd, SF06);
    rig_reenable(c);
    if (i == ORPHANS)
      live = r->live;
  }
  ck_assert_uint_eq(t.count, ORPHANS); /* the backend is not asked any more */
  ck_assert_uint_eq(r->live, live);
  for (i = 0; i < t.count; i++)
    answer(r, t.all[i], 1);
  ck_assert_uint_lt(r->live, live);
  rig_end(r);
}
END_TEST

START_TEST(principle_7_attach_waits_for_the_backend_too_but_detach_works)
{
  static tokens t;
  rig *r = stuck_world(&t);
  rig_ctrl *a = r->ctrl[0], *b = r->ctrl[1];
  rig_ns *ns = rig_find(r, 1);
  unsigned i;
  rig_cmd *cmd;

  for (i = 0; i < ORPHANS; i++) {
    ck_assert(rig_is_open(rig_host_attach(a, 1, a)));
    rig_reenable(a);
  }
  RIG_FAILS(rig_host_attach(a, 1, a), SF06);
  RIG_FAILS(rig_host_attach(b, 1, b), SF06); /* the backend is one, whoever asks */
  RIG_FAILS(rig_host_create(b, 8, 1), SF06);
  ck_assert_int_eq(rig_attach(ns, b), 0); /* nothing is asked for the backend's own */
  RIG_OK(rig_host_detach(b, 1, b));
  RIG_OK(rig_host_delete(b, 1));
  answer(r, t.all[0], 0);
  cmd = rig_host_create(b, 8, 1); /* again */
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  RIG_OK(cmd);
  for (i = 1; i < ORPHANS; i++)
    answer(r, t.all[i], 0);
  rig_end(r);
}
END_TEST

START_TEST(principle_7_deadlines_do_not_make_unanswered_creates_many)
{
  static tokens t;
  rig *r = stuck_world(&t);
  rig_ctrl *c = r->ctrl[0];
  rig_cmd *cmd[ORPHANS];
  unsigned i;

  for (i = 0; i < ORPHANS; i++)
    cmd[i] = rig_host_create(c, 8, 1);
  rig_pass(r, UINT64_C(11) * RIG_SEC); /* C17 */
  for (i = 0; i < ORPHANS; i++)
    RIG_FAILS(cmd[i], SF06);
  RIG_FAILS(rig_host_create(c, 8, 1), SF06);
  ck_assert_uint_eq(t.count, ORPHANS);
  for (i = 0; i < ORPHANS; i++)
    answer(r, t.all[i], 1);
  RIG_FAILS(cmd[0], SF06); /* answered once */
  rig_end(r);
}
END_TEST

/* ---- R15, P21: the host's delete ---- */

START_TEST(R15_a_delete_completes_after_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  rig_log_clear(r);
  RIG_OK(rig_host_delete(c, 1));
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; released n1 deleted; complete c0");
  rig_end(r);
}
END_TEST

START_TEST(P21_a_delete_completes_after_released_when_io_was_in_flight)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  ck_assert(rig_is_open(cmd));
  rig_io_end(&io);
  rig_log_clear(r);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_str_eq(rig_log(r), "detached n1 c0; released n1 deleted; complete c0");
  rig_end(r);
}
END_TEST

START_TEST(R15_a_delete_of_all_completes_after_the_last_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *slow = more_pending(r, c, 2);
  rig_cmd *cmd;

  rig_ns_auto(r, 1);
  rig_ns_loose(r, 3);
  cmd = rig_host_delete(c, NVMENS_NSID_ALL);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), 2);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(slow, c), 0);
  RIG_OK(cmd);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), 3);
  ck_assert_int_eq((int)r->log[r->nlog - 1].kind, RIG_COMPLETE);
  ck_assert_int_eq((int)r->log[r->nlog - 2].kind, RIG_RELEASED);
  rig_end(r);
}
END_TEST

static void take_its_place(rig *r, const rig_event *e)
{
  r->react_on = 0;
  ck_assert(rig_is_open(r->react_arg)); /* the delete */
  ck_assert_ptr_ne(rig_ns_loose(r, 1), e->ns);
}

START_TEST(R15_the_nsid_is_back_in_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *slow = more_pending(r, c, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  on(r, RIG_BIT(RIG_RELEASED), take_its_place, cmd);
  ck_assert_int_eq(rig_drained(slow, c), 0);
  RIG_OK(cmd);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  rig_end(r);
}
END_TEST

/* ---- C8: no event before the gate is open ---- */

typedef struct opening {
  rig_cmd *cause, *aer[2];
  nvmens_lane *lane;
  unsigned begun, attached, told;
} opening;

static void watch(rig *r, const rig_event *e)
{
  opening *o = r->react_arg;
  nvmens_ticket ticket;
  void *user;

  if (e->kind == RIG_COMPLETE && !o->begun) {
    o->begun = 1;
    o->aer[0] = rig_aer(e->ctrl);
    o->aer[1] = rig_aer(e->ctrl);
    rig_ns_auto(r, 2);
    ck_assert_uint_eq(nvmens_io_begin(o->lane, 2, &ticket, &user).sf, SF300);
  } else if (e->kind == RIG_ATTACHED) {
    o->attached = 1;
    ck_assert_uint_eq(o->told, 0);
    ck_assert(rig_is_open(o->aer[0]));
    ck_assert(rig_is_open(o->aer[1]));
    ck_assert_uint_eq(nvmens_io_begin(o->lane, 2, &ticket, &user).sf, SF300);
  } else if (e->kind == RIG_COMPLETE && (e->cmd == o->aer[0] || e->cmd == o->aer[1])) {
    o->told++;
    ck_assert_uint_eq(o->attached, 1);
    ck_assert_uint_eq(nvmens_io_begin(o->lane, 2, &ticket, &user).sf, 0);
    nvmens_io_end(o->lane, ticket);
  }
}

/* The new namespace is made in the completion of what `command` submits. */
static void new_in_completion(rig_cmd *(*command)(rig_ctrl *), uint32_t before, unsigned told)
{
  rig *r = rig_new(&(nvmens_subsys_config){.mask_scope = NVMENS_MASK_EVENT});
  rig_ctrl *c = rig_listening(r, before);
  opening o = {.lane = rig_lane(c)};

  rig_ns_auto(r, 1);
  if (before) { /* nothing is owed */
    rig_changed(c, RIG_LID4, RIG_CONSUME);
    rig_changed(c, RIG_LID1C, RIG_CONSUME);
  }
  on(r, RIG_BIT(RIG_COMPLETE) | RIG_BIT(RIG_ATTACHED), watch, &o);
  RIG_OK(command(c));
  rig_rest(r);
  r->react_on = 0;
  ck_assert_uint_eq(o.attached, 1);
  ck_assert_uint_eq(o.told, told);
  rig_end(r);
}

static rig_cmd *some_identify(rig_ctrl *c)
{
  return rig_identify(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, page);
}

static rig_cmd *some_log(rig_ctrl *c)
{
  return rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
}

static rig_cmd *both_bits(rig_ctrl *c)
{
  return rig_set_aec(c, RIG_BIT4 | RIG_BIT1C);
}

START_TEST(C8_a_namespace_made_in_a_completion_is_open_before_its_events)
{
  new_in_completion(some_identify, RIG_BIT4 | RIG_BIT1C, 2);
  new_in_completion(some_log, RIG_BIT4 | RIG_BIT1C, 2);
  new_in_completion(both_bits, RIG_BIT4 | RIG_BIT1C, 2);
}
END_TEST

START_TEST(C8_also_when_events_are_owed_already)
{
  new_in_completion(both_bits, 0, 2);
}
END_TEST

/* ---- R43: a swap in the log of a host that polls ---- */

static unsigned polls_that_list(rig_ctrl *c, int scans)
{
  unsigned listed = 0;

  for (unsigned i = 0; i < 6; i++) {
    listed += strcmp(rig_changed(c, RIG_LID4, RIG_CONSUME), "1") == 0;
    if (scans)
      RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
  }
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  return listed;
}

static void swapped_and_shown(int scans)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r); /* bit 8 is off: no event will come */
  rig_ns *ns = rig_ns_auto(r, 1);
  unsigned listed;

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  for (int i = 0; i < 2; i++) { /* the second swap is as the first */
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
    ns = rig_ns_auto(r, 1);
    RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
    listed = polls_that_list(c, scans);
    ck_assert_uint_ge(listed, 1);
    ck_assert_uint_le(listed, 2);
  }
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(polls_that_list(c, 0), 1);
  rig_end(r);
}

START_TEST(R43_a_swap_that_was_shown_leaves_the_log)
{
  swapped_and_shown(0);
}
END_TEST

START_TEST(R43_also_when_each_poll_scans)
{
  swapped_and_shown(1);
}
END_TEST

/* ---- R44: a change while a command that lets events through is under way ---- */

static void resize_here(rig *r, const rig_event *e)
{
  (void)e;
  r->react_on = 0;
  ck_assert_int_eq(rig_resize(r->react_arg, 0x2000), 0);
}

START_TEST(R44_the_read_completes_before_the_event_of_a_change_during_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *aer, *read;

  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  aer = rig_aer(c);
  on(r, RIG_BIT(RIG_TRANSFER), resize_here, ns);
  read = RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_uint_lt(read->order, aer->order);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

START_TEST(R65_the_read_completes_before_it_is_told_again)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *aer, *read;

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  aer = rig_aer(c);
  read = RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_uint_lt(read->order, aer->order);
  rig_end(r);
}
END_TEST

START_TEST(R66_the_list_completes_before_the_event_about_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = more_ctrl_of(r, 1); /* a stranger */
  rig_cmd *aer, *list;

  rig_ns_auto(r, 1);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  aer = rig_aer(c);
  list = RIG_OK(rig_identify(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, page));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_uint_lt(list->order, aer->order);
  rig_end(r);
}
END_TEST

START_TEST(R32_the_command_that_enables_completes_before_what_it_lets_through)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, 0);
  rig_cmd *aer = rig_aer(c), *set;

  rig_ns_auto(r, 1);
  ck_assert(rig_is_open(aer));
  set = RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_uint_lt(set->order, aer->order);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      T4_a_removal_in_cmd_drop_of_a_reset,
      T4_a_removal_in_the_last_hook_of_a_reset,
      principle_7_resets_do_not_make_unanswered_creates_many,
      principle_7_attach_waits_for_the_backend_too_but_detach_works,
      principle_7_deadlines_do_not_make_unanswered_creates_many,
      R15_a_delete_completes_after_released,
      P21_a_delete_completes_after_released_when_io_was_in_flight,
      R15_a_delete_of_all_completes_after_the_last_released,
      R15_the_nsid_is_back_in_released,
      C8_a_namespace_made_in_a_completion_is_open_before_its_events,
      C8_also_when_events_are_owed_already,
      R43_a_swap_that_was_shown_leaves_the_log,
      R43_also_when_each_poll_scans,
      R44_the_read_completes_before_the_event_of_a_change_during_it,
      R65_the_read_completes_before_it_is_told_again,
      R66_the_list_completes_before_the_event_about_it,
      R32_the_command_that_enables_completes_before_what_it_lets_through,
  };

  return MORE_RUN("regress", tests);
}
