/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reenter.c: the ground moves while a command of the host's is in transfer, identify or
 * prepare: nothing survives these hooks, all is looked up again (T4, T7; R19, R22, R35, P13, P16).
 */
#include "rig_more.h"

static uint8_t page[NVMENS_PAGE];

static void on(rig *r, uint32_t hooks, void (*react)(rig *, const rig_event *), void *arg)
{
  r->react = react;
  r->react_on = hooks;
  r->react_arg = arg;
}

#define HOOKS (RIG_BIT(RIG_TRANSFER) | RIG_BIT(RIG_IDENTIFY) | RIG_BIT(RIG_PREPARE))

/* ---- what may happen in the hook; each once ---- */

static void reset_here(rig *r, const rig_event *e)
{
  r->react_on = 0;
  nvmens_ctrl_reset(e->ctrl->c);
}

static void reset_and_enable(rig *r, const rig_event *e)
{
  r->react_on = 0;
  nvmens_ctrl_reset(e->ctrl->c);
  ck_assert_int_eq(nvmens_ctrl_enable(e->ctrl->c, 0), 0);
}

static void shut_down(rig *r, const rig_event *e)
{
  r->react_on = 0;
  nvmens_ctrl_shutdown(e->ctrl->c);
}

static void remove_ctrl(rig *r, const rig_event *e)
{
  r->react_on = 0;
  rig_ctrl_del(e->ctrl);
}

static void unplug(rig *r, const rig_event *e)
{
  (void)e;
  r->react_on = 0;
  ck_assert_int_eq(rig_unplug(r->react_arg, NVMENS_SURPRISE, RIG_NEVER), 0);
}

static void poll_here(rig *r, const rig_event *e)
{
  (void)e;
  nvmens_poll(r->s, r->now);
}

/* ---- the commands in the middle of which it happens ---- */

enum { IDENTIFY, GET_LOG, CREATE, ATTACH, DETACH, COMMANDS };

static rig_cmd *command(rig_ctrl *c, int which)
{
  static const uint16_t second = 1;

  switch (which) {
  case IDENTIFY:
    return rig_identify(c, NVMENS_CNS_NS, 1, page);
  case GET_LOG:
    return rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  case CREATE:
    return rig_host_create(c, 8, 1);
  case ATTACH:
    return rig_attachment(c, NVMENS_NS_ATTACH, 2, &second, 1);
  default:
    return rig_attachment(c, NVMENS_NS_DETACH, 1, &second, 1);
  }
}

/* Controllers 0 and 1; namespace 1 everywhere, 2 nowhere. */
static rig *world(void)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  return r;
}

/* Every command, with this in the nth of its hooks. */
static void in_every_hook(void (*react)(rig *, const rig_event *), void (*judge)(rig *, rig_cmd *))
{
  static const uint32_t hook[] = {RIG_BIT(RIG_TRANSFER), RIG_BIT(RIG_IDENTIFY),
                                  RIG_BIT(RIG_PREPARE)};

  for (int which = 0; which < COMMANDS; which++)
    for (unsigned k = 0; k < 3; k++) {
      rig *r = world();
      rig_cmd *cmd;

      r->prepare = which == CREATE ? RIG_PREPARE_PENDING : RIG_PREPARE_DONE;
      on(r, hook[k], react, NULL);
      cmd = command(r->ctrl[0], which);
      if (r->react_on == 0) /* it has happened */
        judge(r, cmd);
      if (r->prepare_token)
        (void)rig_prepared(r, 0, NULL);
      r->react_on = 0;
      rig_end(r);
    }
}

static void is_dropped(rig *r, rig_cmd *cmd)
{
  rig_rest(r);
  ck_assert_uint_eq(cmd->dropped, 1);
  ck_assert_uint_eq(more_ns(rig_find(r, 1)).attached, r->ctrl[0]->released ? 1 : 2);
  ck_assert_uint_eq(more_ns(rig_find(r, 2)).attached, 0);
}

START_TEST(R35_a_reset_in_the_middle_drops_the_command)
{
  in_every_hook(reset_here, is_dropped);
}
END_TEST

START_TEST(R35_a_reset_and_enable_in_the_middle_drops_the_command)
{
  in_every_hook(reset_and_enable, is_dropped);
}
END_TEST

START_TEST(R35_a_removal_in_the_middle_drops_the_command)
{
  in_every_hook(remove_ctrl, is_dropped);
}
END_TEST

static void is_answered(rig *r, rig_cmd *cmd)
{
  if (rig_is_open(cmd))
    ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  rig_rest(r);
  ck_assert_uint_eq(cmd->done, 1);
}

START_TEST(R37_a_shutdown_in_the_middle_leaves_one_answer)
{
  in_every_hook(shut_down, is_answered);
}
END_TEST

static void succeeds(rig *r, rig_cmd *cmd)
{
  (void)r;
  RIG_OK(cmd);
}

START_TEST(T4_a_poll_in_the_middle_is_harmless)
{
  for (int which = 0; which < COMMANDS; which++) {
    rig *r = world();

    on(r, HOOKS, poll_here, NULL);
    succeeds(r, command(r->ctrl[0], which));
    rig_end(r);
  }
}
END_TEST

/* ---- the namespace goes ---- */

START_TEST(R19_a_namespace_goes_while_an_attach_fetches_its_list)
{
  rig *r = world();

  on(r, RIG_BIT(RIG_TRANSFER), unplug, rig_find(r, 2));
  RIG_FAILS(command(r->ctrl[0], ATTACH), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R19_a_namespace_goes_while_a_detach_fetches_its_list)
{
  rig *r = world();

  on(r, RIG_BIT(RIG_TRANSFER), unplug, rig_find(r, 1));
  RIG_FAILS(command(r->ctrl[0], DETACH), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R19_a_namespace_goes_while_an_attach_is_prepared)
{
  rig *r = world();
  rig_ns *ns = rig_find(r, 2);

  r->prepare = RIG_PREPARE_DONE;
  on(r, RIG_BIT(RIG_PREPARE), unplug, ns);
  RIG_FAILS(command(r->ctrl[0], ATTACH), DNR02);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(R6_a_namespace_goes_while_its_page_is_made)
{
  rig *r = world();
  rig_ns *ns = rig_find(r, 1);
  rig_cmd *cmd;

  on(r, RIG_BIT(RIG_IDENTIFY), unplug, ns);
  cmd = command(r->ctrl[0], IDENTIFY);
  ck_assert_uint_eq(cmd->done, 1);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(P16_another_namespace_of_that_nsid_does_not_show_in_its_page)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(
      r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .nsze = 7, .ident = {.eui64 = {7}}});
  const nvmens_id_ns *id = (const nvmens_id_ns *)page;

  on(r, RIG_BIT(RIG_IDENTIFY), unplug, ns);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  /* the old one or an inactive one, but not half of each */
  ck_assert(nvmens_get64(id->nsze) == 7 ? id->eui64[0] == 7 : more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

/* ---- the answer of a prepare comes late ---- */

START_TEST(T7_prepared_after_the_controller_is_gone)
{
  rig *r = world();
  rig_ns *ns;

  r->prepare = RIG_PREPARE_PENDING;
  command(r->ctrl[0], CREATE);
  rig_ctrl_del(r->ctrl[0]);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  rig_end(r);
}
END_TEST

START_TEST(R37_prepared_after_a_shutdown)
{
  rig *r = world();
  rig_cmd *cmd;
  rig_ns *ns;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = command(r->ctrl[0], CREATE);
  rig_shutdown(r->ctrl[0]);
  (void)rig_prepared(r, 0, &ns);
  ck_assert_uint_eq(cmd->done, 1);
  ck_assert_int_eq(cmd->sf == 0, rig_find(r, 3) != NULL);
  rig_end(r);
}
END_TEST

START_TEST(T7_two_creates_are_prepared_in_any_order)
{
  rig *r = world();
  rig_cmd *first, *second;
  nvmens_token token;

  r->prepare = RIG_PREPARE_PENDING;
  first = command(r->ctrl[0], CREATE);
  token = r->prepare_token;
  second = command(r->ctrl[1], CREATE);
  ck_assert_uint_ne(r->prepare_token, token);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  RIG_OK(second);
  ck_assert(rig_is_open(first));
  r->prepare_token = token;
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  ck_assert_uint_ne(RIG_OK(first)->dw0, second->dw0);
  rig_end(r);
}
END_TEST

START_TEST(R52_a_namespace_is_ready_at_once)
{
  rig *r = world();
  nvmens_lane *lane;

  rig_reset(r->ctrl[0]);
  lane = rig_lane(r->ctrl[0]);
  rig_enable(r->ctrl[0]);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0); /* never 082h */
  RIG_OK(command(r->ctrl[0], ATTACH));
  rig_end(r);
}
END_TEST

/* The last attachment of a controller has gone, and the hook that says so removes it. */
START_TEST(T4_a_controller_is_removed_from_its_last_detached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  on(r, RIG_BIT(RIG_DETACHED), remove_ctrl, NULL);
  rig_log_clear(r);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; ctrl_released c0");
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R35_a_reset_in_the_middle_drops_the_command,
      R35_a_reset_and_enable_in_the_middle_drops_the_command,
      R35_a_removal_in_the_middle_drops_the_command,
      R37_a_shutdown_in_the_middle_leaves_one_answer,
      T4_a_poll_in_the_middle_is_harmless,
      R19_a_namespace_goes_while_an_attach_fetches_its_list,
      R19_a_namespace_goes_while_a_detach_fetches_its_list,
      R19_a_namespace_goes_while_an_attach_is_prepared,
      R6_a_namespace_goes_while_its_page_is_made,
      P16_another_namespace_of_that_nsid_does_not_show_in_its_page,
      T7_prepared_after_the_controller_is_gone,
      R37_prepared_after_a_shutdown,
      T7_two_creates_are_prepared_in_any_order,
      R52_a_namespace_is_ready_at_once,
      T4_a_controller_is_removed_from_its_last_detached,
  };

  return MORE_RUN("reenter", tests);
}
