/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_subsys.c: the end of a subsystem, several of them, and calls from hooks (T3, T4, T6;
 * scenario 23; nvmens_subsys_del).
 */
#include "rig_more.h"

static int del(rig *r)
{
  return nvmens_subsys_del(r->s);
}

/* ---- nvmens_subsys_del ---- */

START_TEST(subsys_del_of_null_is_0)
{
  ck_assert_int_eq(nvmens_subsys_del(NULL), 0);
}
END_TEST

START_TEST(subsys_del_ends_what_is_left)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  rig_ctrl_new(r, NULL);
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  rig_end(r); /* asserts: each detached, released and ctrl_released once, no memory left */
}
END_TEST

START_TEST(subsys_del_with_a_lane_is_busy)
{
  rig *r = rig_new(NULL);
  nvmens_lane *lane = rig_lane(rig_ctrl_on(r));

  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  rig_lane_del(r, lane);
  rig_end(r);
}
END_TEST

START_TEST(subsys_del_with_a_drain_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  rig_check(r); /* nothing has changed */
  rig_ns_loose(r, 2);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_end(r);
}
END_TEST

START_TEST(subsys_del_with_a_parked_aer_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  ck_assert(rig_is_open(aer));
  rig_end(r); /* resets */
}
END_TEST

START_TEST(subsys_del_with_a_prepare_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(c, 8, 1);
  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_prepared(r, SF06, NULL), 0);
  RIG_FAILS(cmd, SF06);
  rig_end(r);
}
END_TEST

START_TEST(subsys_del_with_a_command_that_holds_a_namespace_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  rig_lane_del(r, lane);
  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_io_end_remote(&io);
  rig_end(r);
}
END_TEST

static void del_in_hook(rig *r, const rig_event *e)
{
  (void)e;
  ck_assert_int_eq(del(r), NVMENS_ERR_BUSY);
}

START_TEST(subsys_del_from_a_hook_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static uint8_t page[NVMENS_PAGE];

  r->react = del_in_hook;
  r->react_on = RIG_BIT(RIG_ATTACHED) | RIG_BIT(RIG_DRAIN) | RIG_BIT(RIG_DETACHED) |
                RIG_BIT(RIG_RELEASED) | RIG_BIT(RIG_COMPLETE) | RIG_BIT(RIG_IDENTIFY) |
                RIG_BIT(RIG_TRANSFER) | RIG_BIT(RIG_PREPARE);
  rig_ns_auto(r, 1);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  RIG_OK(rig_host_create(c, 8, 1));
  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL));
  rig_end(r);
}
END_TEST

/* ---- T6: several subsystems ---- */

START_TEST(T6_subsystems_do_not_interact)
{
  rig *r = rig_new(NULL), *s = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(s);
  rig_ns *mine = rig_ns_auto(r, 1), *theirs = rig_ns_auto(s, 1); /* the same identity */

  ck_assert_int_eq(rig_unplug(mine, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(more_att(theirs, b), NVMENS_ATT_ATTACHED);
  ck_assert_str_eq(rig_ids(a, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(rig_ids(b, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
  rig_end(s);
}
END_TEST

/* ---- scenario 23: a hook calls back ---- */

static void attach_next(rig *r, const rig_event *e)
{
  rig_ns *ns = r->react_arg;

  if (e->ns != ns)
    ck_assert_int_eq(rig_attach(ns, e->ctrl), 0);
}

START_TEST(T4_effects_of_a_call_from_a_hook_are_appended)
{
  rig *r = rig_new(NULL);
  rig_ns *loose = rig_ns_loose(r, 1);

  rig_ns_auto(r, 2);
  rig_ns_auto(r, 3);
  rig_ctrl_on(r);
  rig_log_clear(r);
  r->react = attach_next;
  r->react_arg = loose;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 4); /* its hook attaches n1; the rig asserts that nothing nests */
  ck_assert_str_eq(rig_log(r), "attached n4 c0; attached n1 c0");
  rig_end(r);
}
END_TEST

static void detach_again(rig *r, const rig_event *e)
{
  (void)r;
  ck_assert_int_eq(rig_detach(e->ns, e->ctrl, NVMENS_ORDERLY, RIG_NEVER), 0);
}

START_TEST(T4_a_namespace_is_detached_from_its_attached_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns;

  r->react = detach_again;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  ns = rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_log(r), "attached n1 c0; drain n1 c0; detached n1 c0");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  ck_assert_uint_eq(rig_att(ns, c).open, 0);
  rig_end(r);
}
END_TEST

static void attach_again(rig *r, const rig_event *e)
{
  r->react_on = 0;
  ck_assert_int_eq(rig_attach(e->ns, e->ctrl), 0);
}

START_TEST(T4_a_namespace_is_attached_from_its_detached_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  r->react = attach_again;
  r->react_on = RIG_BIT(RIG_DETACHED);
  rig_log_clear(r);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; attached n1 c0");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

static void replace(rig *r, const rig_event *e)
{
  (void)e;
  r->react_on = 0;
  rig_ns_auto(r, 1);
}

START_TEST(T4_the_nsid_is_free_in_the_released_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  r->react = replace;
  r->react_on = RIG_BIT(RIG_RELEASED);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_ptr_ne(rig_find(r, 1), ns);
  rig_end(r);
}
END_TEST

static void reset_it(rig *r, const rig_event *e)
{
  (void)r;
  nvmens_ctrl_reset(e->ctrl->c);
}

START_TEST(T4_a_controller_is_reset_from_a_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);
  rig_ns *ns;

  r->react = reset_it;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  ns = rig_ns_auto(r, 1);
  ck_assert_uint_eq(aer->dropped, 1);
  ck_assert_int_eq(rig_info(c).state, NVMENS_CTRL_DISABLED);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

static void unplug_it(rig *r, const rig_event *e)
{
  (void)r;
  ck_assert_int_eq(rig_unplug(e->ns, NVMENS_SURPRISE, RIG_NEVER), 0);
}

START_TEST(T4_a_namespace_is_unplugged_from_its_drain_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  r->react = unplug_it;
  r->react_on = RIG_BIT(RIG_DRAIN);
  rig_log_clear(r);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

static void park_another(rig *r, const rig_event *e)
{
  r->react_on = 0;
  r->react_arg = rig_aer(e->ctrl);
}

START_TEST(T4_an_aer_is_parked_from_the_hook_that_completes_one)
{
  rig *r = rig_new(&(nvmens_subsys_config){.mask_scope = NVMENS_MASK_EVENT});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *first;

  RIG_OK(rig_set_aec(c, NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS));
  first = rig_aer(c);
  r->react = park_another;
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_ns_auto(r, 1);
  RIG_OK(first);
  RIG_OK((rig_cmd *)r->react_arg);
  ck_assert_uint_ne(first->dw0, ((rig_cmd *)r->react_arg)->dw0);
  rig_end(r);
}
END_TEST

static void remove_ctrl(rig *r, const rig_event *e)
{
  r->react_on = 0;
  rig_ctrl_del(e->ctrl);
}

START_TEST(T4_a_controller_is_removed_from_its_attached_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns;

  r->react = remove_ctrl;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  ns = rig_ns_auto(r, 1);
  /* the drain ends in its first hook, so that there is nothing to abort */
  ck_assert_str_eq(rig_log(r), "attached n1 c0; drain n1 c0; detached n1 c0; ctrl_released c0");
  ck_assert_int_eq(c->released, 1);
  ck_assert_int_eq(more_ns(ns).state, NVMENS_NS_ALLOCATED);
  rig_end(r);
}
END_TEST

/* ---- more effects than are run at once ---- */

/* Two controllers and a thousand namespaces. */
static rig *crowd(void)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  rig_ctrl_on(r);
  r->no_check = 1;
  for (int i = 0; i < 1000; i++)
    rig_ns_auto(r, 0);
  r->no_check = 0;
  rig_rest(r);
  return r;
}

START_TEST(T8_effects_that_are_left_over_wake)
{
  rig *r = crowd();
  const unsigned wakes = r->wakes;
  rig_cmd *cmd = rig_host_delete(r->ctrl[0], NVMENS_NSID_ALL);

  ck_assert(cmd->done || r->wakes > wakes);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), 2000);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), 1000);
  rig_end(r);
}
END_TEST

START_TEST(R35_after_a_reset_no_hook_names_an_old_command)
{
  rig *r = crowd();
  rig_cmd *aer = rig_aer(r->ctrl[0]), *cmd;

  r->ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_delete(r->ctrl[0], NVMENS_NSID_ALL);
  rig_reset(r->ctrl[0]);
  ck_assert_uint_eq(aer->dropped, 1); /* now, however much is left over */
  ck_assert_uint_eq(cmd->dropped, 1);
  rig_end(r);
}
END_TEST

START_TEST(T2_without_lock_hooks_the_backend_serialises)
{
  rig *r = rig_new_without(NULL, RIG_NO_LOCK);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  RIG_OK(rig_host_create(c, 8, 1));
  RIG_OK(rig_host_attach(c, 2, c));
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "2");
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      subsys_del_of_null_is_0,
      subsys_del_ends_what_is_left,
      subsys_del_with_a_lane_is_busy,
      subsys_del_with_a_drain_is_busy,
      subsys_del_with_a_parked_aer_is_busy,
      subsys_del_with_a_prepare_is_busy,
      subsys_del_with_a_command_that_holds_a_namespace_is_busy,
      subsys_del_from_a_hook_is_busy,
      T6_subsystems_do_not_interact,
      T4_effects_of_a_call_from_a_hook_are_appended,
      T4_a_namespace_is_detached_from_its_attached_hook,
      T4_a_namespace_is_attached_from_its_detached_hook,
      T4_the_nsid_is_free_in_the_released_hook,
      T4_a_controller_is_reset_from_a_hook,
      T4_a_namespace_is_unplugged_from_its_drain_hook,
      T4_an_aer_is_parked_from_the_hook_that_completes_one,
      T4_a_controller_is_removed_from_its_attached_hook,
      T8_effects_that_are_left_over_wake,
      R35_after_a_reset_no_hook_names_an_old_command,
      T2_without_lock_hooks_the_backend_serialises,
  };

  return MORE_RUN("subsys", tests);
}
