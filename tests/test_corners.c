/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_corners.c: what the other tests pass by: two conditions at once, hooks that are not there,
 * limits met half way, an object that changes while the backend is asked.
 */
#include "rig_more.h"
#include "subsys.h"

/* ---- hooks that act ---- */

static rig_ctrl *actor;
static rig_ns *object;
static unsigned acted;

static void act(rig *r, void (*react)(rig *, const rig_event *), rig_kind on)
{
  acted = 0;
  r->react = react;
  r->react_on = RIG_BIT(on);
}

static void enable_and_park(rig *r, const rig_event *e)
{
  if (acted++)
    return;
  ck_assert_int_eq(nvmens_ctrl_enable(e->ctrl->c, 0), 0);
  ck_assert(rig_is_open(rig_aer(e->ctrl)));
  (void)r;
}

START_TEST(R35_a_reset_does_not_wait_for_commands_of_the_new_time)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_aer(c);
  rig_aer(c);
  act(r, enable_and_park, RIG_DROP);
  nvmens_ctrl_reset(c->c);
  ck_assert_uint_eq(acted, 2);
  ck_assert_uint_eq(rig_info(c).parked, 1);
  rig_end(r);
}
END_TEST

static rig_cmd *refused;

/* The controller is disabled: 008h is on its way, but a reset or the removal overtakes it. */
static void submit_and_reset(rig *r, const rig_event *e)
{
  (void)r, (void)e;
  refused =
      rig_admin(actor, .opcode = NVMENS_OP_GET_FEATURES, .cdw10 = NVMENS_FID_ASYNC_EVENT_CONFIG);
  nvmens_ctrl_reset(actor->c);
}

static void submit_and_remove(rig *r, const rig_event *e)
{
  nvmens_ctrl *c = actor->c;

  (void)r, (void)e;
  refused =
      rig_admin(actor, .opcode = NVMENS_OP_GET_FEATURES, .cdw10 = NVMENS_FID_ASYNC_EVENT_CONFIG);
  actor->c = NULL;
  nvmens_ctrl_del(c);
}

START_TEST(R35_what_a_disabled_controller_was_asked_is_dropped_too)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  actor = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN});
  act(r, submit_and_reset, RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(refused->dropped, 1);
  act(r, submit_and_remove, RIG_ATTACHED);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(refused->dropped, 1);
  ck_assert_int_eq(actor->released, 1);
  rig_end(r);
}
END_TEST

static void remove_it(rig *r, const rig_event *e)
{
  nvmens_ctrl *c = e->ctrl->c;

  (void)r;
  e->ctrl->c = NULL;
  nvmens_ctrl_del(c);
  ck_assert_int_eq(e->ctrl->released, 0); /* its command's hook has not returned */
}

START_TEST(T4_a_controller_is_removed_by_the_completion_of_its_command)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  act(r, remove_it, RIG_COMPLETE);
  rig_get_aec(c);
  ck_assert_int_eq(c->released, 1);
  rig_end(r);
}
END_TEST

static void attach_it(rig *r, const rig_event *e)
{
  (void)r;
  if (e->ctrl == actor)
    return;
  ck_assert_int_eq(nvmens_ns_attach(r->s, object->ref, actor->c), 0);
  ck_assert_int_eq(nvmens_ns_attach(r->s, object->ref, actor->c), NVMENS_ERR_EXISTS);
  acted++;
}

START_TEST(S13_an_attach_between_drained_and_detached_comes_after_both)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);

  actor = a;
  object = rig_ns_auto(r, 1);
  act(r, attach_it, RIG_DRAIN);
  rig_log_clear(r);
  RIG_OK(MORE_DETACH(b, 1, 0, 1));
  ck_assert_uint_eq(acted, 1);
  ck_assert_int_eq(more_att(object, a), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(object, b), NVMENS_ATT_DETACHED);
  ck_assert_ptr_nonnull(strstr(rig_log(r), "detached n1 c0; "));
  ck_assert_ptr_nonnull(strstr(strstr(rig_log(r), "detached n1 c0; "), "; attached n1 c0"));
  rig_end(r);
}
END_TEST

static void unplug_twice(rig *r, const rig_event *e)
{
  (void)e;
  if (acted++)
    return;
  ck_assert_int_eq(nvmens_ns_unplug(r->s, object->ref, NVMENS_ORDERLY, 0, RIG_NEVER), 0);
  ck_assert_int_eq(nvmens_ns_unplug(r->s, object->ref, NVMENS_SURPRISE, 0, RIG_NEVER), 0);
}

START_TEST(S14_two_unplugs_of_what_nobody_has_release_it_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  object = rig_ns_loose(r, 2);
  act(r, unplug_twice, RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_int_eq(object->released, 1);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(R22_a_controller_between_two_is_not_there)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 5, .cntlid_given = 1});
  rig_ns_loose(r, 1);
  RIG_FAILS(MORE_ATTACH(c, 1, 3), RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST));
  RIG_FAILS(MORE_ATTACH(c, 1, 6), RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST));
  RIG_OK(MORE_ATTACH(c, 1, 5));
  rig_end(r);
}
END_TEST

/* ---- drains ---- */

START_TEST(S14_a_surprise_while_a_detach_drains_and_another_is_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *detach;

  r->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(ns, a), 0);
  ck_assert_int_eq(rig_attach(ns, b), 0);
  detach = rig_host_detach(a, 1, b);
  ck_assert(rig_is_open(detach));
  ck_assert_int_eq(rig_resize(ns, 5), 0); /* b has it no more */
  ck_assert_str_eq(rig_changed(b, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  RIG_OK(detach);
  ck_assert_int_eq(ns->released, 0);
  ck_assert_int_eq(rig_drained(ns, b), 0);
  ck_assert_int_eq(rig_drained(ns, a), 0);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(T8_the_next_deadline_is_the_drains_if_a_prepare_has_more_time)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  r->prepare = RIG_PREPARE_PENDING;
  rig_host_create(c, 64, 1);
  ck_assert_uint_eq(more_next(r), r->now + 10 * (uint64_t)RIG_SEC);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_SEC), 0);
  ck_assert_uint_eq(more_next(r), r->now + RIG_SEC);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  rig_end(r);
}
END_TEST

static void answer_and_create(rig *r, const rig_event *e)
{
  (void)e;
  if (acted++)
    return;
  ck_assert_int_eq(rig_prepared(r, 0, &object), 0);
  ck_assert_int_eq(object->released, 0); /* not here, but after this hook */
  rig_host_create(actor, 64, 1);
}

START_TEST(S16_an_answer_that_came_late_does_not_count_as_missing)
{
  rig *r = rig_new(NULL);
  rig_cmd *late;

  actor = rig_ctrl_on(r);
  r->prepare = RIG_PREPARE_PENDING;
  late = rig_host_create(actor, 64, 1);
  rig_reenable(actor);
  ck_assert_uint_eq(late->dropped, 1);
  act(r, answer_and_create, RIG_ATTACHED);
  rig_ns_auto(r, 9);
  ck_assert_int_eq(object->released, 1);
  ck_assert_int_eq(object->reason, NVMENS_CREATE_FAILED);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  ck_assert_str_eq(rig_ids(actor, NVMENS_CNS_ALLOCATED_NS_LIST), "1 9");
  rig_end(r);
}
END_TEST

/* ---- limits that are met half way (R22) ---- */

START_TEST(R22_auto_attach_stops_at_the_subsystems_limit)
{
  rig *r = rig_new(&(nvmens_subsys_config){.maxdna = 2});

  for (unsigned i = 0; i < 3; i++)
    rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  ck_assert_str_eq(more_ctrls(r->ctrl[2], NVMENS_CNS_NS_CTRL_LIST, 1, 0), "2: 0 1");
  rig_ns_auto(r, 2);
  ck_assert_str_eq(more_ctrls(r->ctrl[2], NVMENS_CNS_NS_CTRL_LIST, 2, 0), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R22_auto_attach_stops_at_the_controllers_limit)
{
  rig *r = rig_new(&(nvmens_subsys_config){.maxcna = 2});
  rig_ctrl *c;

  for (uint32_t nsid = 1; nsid <= 3; nsid++)
    rig_ns_auto(r, nsid);
  c = rig_ctrl_on(r);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R54_capacity_of_more_than_64_bits)
{
  rig *r = rig_new(&(nvmens_subsys_config){
      .tnvmcap = {0, 1}, .nlbaf = 2, .lbaf = {{.lbads = 12}, {.lbads = 12, .ms = 8}}});
  rig_ctrl *c = rig_ctrl_on(r);
  const uint64_t half = UINT64_C(1) << 51; /* blocks */

  RIG_FAILS(MORE_CREATE(c, .nsze = 4 * half, .ncap = 4 * half),
            RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  RIG_FAILS(MORE_CREATE(c, .nsze = 2 * half + 1, .ncap = 2 * half + 1),
            RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  RIG_FAILS(MORE_CREATE(c, .nsze = half, .ncap = half, .dps = 1),
            RIG_DNR(NVMENS_SC_INVALID_FORMAT)); /* protection needs metadata */
  RIG_OK(MORE_CREATE(c, .nsze = half, .ncap = half, .dps = 1, .flbas = 1));
  ck_assert_uint_eq(more_unvmcap(c).hi, 0);
  ck_assert_uint_eq(more_unvmcap(c).lo, UINT64_C(1) << 63);
  RIG_FAILS(MORE_CREATE(c, .nsze = half + 1, .ncap = half + 1),
            RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  RIG_OK(MORE_CREATE(c, .nsze = half, .ncap = half));
  ck_assert_uint_eq(more_unvmcap(c).lo, 0);
  rig_end(r);
}
END_TEST

START_TEST(P16_no_generation_is_0_when_they_have_been_used_up)
{
  rig *r = rig_new(NULL);

  r->s->gen = UINT32_MAX - 1;
  ck_assert_uint_eq(rig_ns_loose(r, 1)->ref.gen, UINT32_MAX);
  ck_assert_uint_eq(rig_ns_loose(r, 2)->ref.gen, 1);
  rig_end(r);
}
END_TEST

/* ---- lanes ---- */

START_TEST(G4_a_lane_outlives_its_controller)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *next;
  nvmens_lane *lane = rig_lane(c);
  nvmens_ticket ticket;
  uint32_t nsid;
  void *user;

  rig_ctrl_del(c);
  ck_assert_uint_eq(nvmens_io_begin_next(lane, 0, &nsid, &ticket, &user).sf,
                    NVMENS_SC_ABORTED_SQ_DELETED);
  next = rig_ctrl_on(r); /* not on the gate that this lane counts in */
  rig_ns_auto(r, 1);
  ck_assert_uint_ne(more_begin(r, lane, 1), 0);
  ck_assert_uint_eq(more_begin(r, rig_lane(next), 1), 0);
  rig_end(r);
}
END_TEST

static void begin_next(rig *r, const rig_event *e)
{
  nvmens_ticket ticket;
  uint32_t nsid;
  void *user;

  (void)e;
  ck_assert_uint_eq(nvmens_io_begin_next(r->lane[0], 0, &nsid, &ticket, &user).sf, 0);
  ck_assert_uint_eq(nsid, NVMENS_NSID_NONE);
  acted++;
}

START_TEST(G4_a_broadcast_passes_by_what_is_not_open_yet)
{
  rig *r = rig_new(NULL);

  rig_lane(rig_ctrl_on(r));
  act(r, begin_next, RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(acted, 1);
  rig_end(r);
}
END_TEST

/* ---- a backend with nothing but what it must have ---- */

static rig_cmd *bare_cmd;

static void bare_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                          uint64_t error_info)
{
  (void)ctrl_user, (void)dw0, (void)error_info;
  ck_assert_ptr_eq(cmd, &bare_cmd->cmd);
  bare_cmd->done++;
  bare_cmd->sf = status.sf;
}

static void bare_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user, (void)cmd;
  ck_abort_msg("nothing is reset");
}

static nvmens_status bare_transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                                   nvmens_dir dir)
{
  nvmens_ns_create *data = buf;

  (void)ctrl_user, (void)cmd;
  ck_assert(dir == NVMENS_FROM_HOST && len == sizeof(*data));
  memset(data, 0, len);
  nvmens_put64(data->nsze, 8);
  nvmens_put64(data->ncap, 8);
  return (nvmens_status){0};
}

static nvmens_token bare_token;

static nvmens_wait bare_prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                                nvmens_token token)
{
  (void)ctrl_user, (void)cmd, (void)intent;
  bare_token = token;
  return NVMENS_PENDING;
}

START_TEST(hooks_that_are_not_there_are_not_missed)
{
  const nvmens_host host = {.cmd_complete = bare_complete,
                            .cmd_drop = bare_drop,
                            .transfer = bare_transfer,
                            .prepare = bare_prepare};
  const uint8_t sqe[64] = {NVMENS_OP_NS_MANAGEMENT};
  const nvmens_ident first = {.uuid = {1}};
  const nvmens_status ok = {0};
  nvmens_subsys *s;
  nvmens_ctrl *c;
  rig_cmd cmd = {.sf = 0xFFFF};

  bare_cmd = &cmd;
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &host, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_new(&c, s, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(c, 0), 0);
  for (unsigned i = 1; i <= 2; i++) { /* the second time the identity is taken */
    ck_assert_int_eq(nvmens_admin(c, &cmd.cmd, sqe, 0), NVMENS_TAKEN);
    ck_assert_int_eq(nvmens_prepared(s, bare_token, ok, &first, &cmd), 0);
    ck_assert_uint_eq(cmd.done, i);
    ck_assert_uint_eq(cmd.sf, i == 1 ? 0 : SF06);
  }
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

/* Loud changes of others, as many as a signed number of 32 bits and one more. */
START_TEST(R29_a_read_clears_its_event_however_many_changes_came_between)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_set_aec(c, NVMENS_AEC_ATTACHED_NS);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->s->ctrl[0]->notices.seq += UINT64_C(0x80000001);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "corners", R35_a_reset_does_not_wait_for_commands_of_the_new_time,
      R35_what_a_disabled_controller_was_asked_is_dropped_too,
      T4_a_controller_is_removed_by_the_completion_of_its_command,
      S13_an_attach_between_drained_and_detached_comes_after_both,
      S14_two_unplugs_of_what_nobody_has_release_it_once, R22_a_controller_between_two_is_not_there,
      S14_a_surprise_while_a_detach_drains_and_another_is_attached,
      T8_the_next_deadline_is_the_drains_if_a_prepare_has_more_time,
      S16_an_answer_that_came_late_does_not_count_as_missing,
      R22_auto_attach_stops_at_the_subsystems_limit, R22_auto_attach_stops_at_the_controllers_limit,
      R54_capacity_of_more_than_64_bits, P16_no_generation_is_0_when_they_have_been_used_up,
      G4_a_lane_outlives_its_controller, G4_a_broadcast_passes_by_what_is_not_open_yet,
      R29_a_read_clears_its_event_however_many_changes_came_between,
      hooks_that_are_not_there_are_not_missed);
}
