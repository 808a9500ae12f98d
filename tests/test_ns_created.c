/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ns_created.c: what the backend hears of a namespace that the host created.
 */
#include "rig_more.h"

static rig *pending(void)
{
  rig *r = rig_new(NULL);

  r->prepare = RIG_PREPARE_PENDING;
  r->log_mask |= RIG_BIT(RIG_CREATED);
  return r;
}

START_TEST(R12_the_backend_hears_what_was_created_before_the_host_does)
{
  rig *r = pending();
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  nvmens_nsref ref;
  rig_ns *ns;

  rig_log_clear(r);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_str_eq(rig_log(r), "created n1; complete c0 dw0=1");
  ck_assert_uint_eq(RIG_OK(cmd)->dw0, ns->ref.nsid);
  ck_assert_int_eq(nvmens_ns_find(r->s, 1, &ref), 0);
  ck_assert_uint_eq(ns->ref.gen, ref.gen);
  rig_end(r);
}
END_TEST

static void unplug_what_was_created(rig *r, const rig_event *e)
{
  ck_assert_int_eq(nvmens_ns_unplug(r->s, e->ns->ref, NVMENS_ORDERLY, r->now, RIG_NEVER), 0);
}

/* The last word on it comes after the first. */
START_TEST(P16_a_namespace_may_be_unplugged_as_it_is_created)
{
  rig *r = pending();
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns;

  r->react = unplug_what_was_created;
  r->react_on = RIG_BIT(RIG_CREATED);
  rig_log_clear(r);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_str_eq(rig_log(r), "created n1; complete c0 dw0=1; released n1");
  RIG_OK(cmd);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

/* The backend's own namespaces are no news to it. */
START_TEST(R12_a_backends_namespace_is_not_told)
{
  rig *r = pending();

  rig_ctrl_on(r);
  rig_log_clear(r);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_count(r, RIG_CREATED), 0);
  rig_end(r);
}
END_TEST

enum { DEEP = 70 };

static void create_one_more(rig *r, const rig_event *e)
{
  rig_cmd **cmd = r->react_arg;
  unsigned n = 1;

  while (cmd[n - 1] && n < DEEP)
    n++;
  if (n == DEEP)
    return;
  cmd[n - 1] = e->cmd; /* this place is taken: the next one goes further */
  rig_host_create(e->ctrl, 8, 1);
}

/* They are not those that the backend owes an answer (P18). */
START_TEST(R13_creates_that_fetch_their_data_are_not_forgotten_ones)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd[DEEP] = {NULL};
  rig_cmd *first;

  r->react = create_one_more;
  r->react_on = RIG_BIT(RIG_TRANSFER);
  r->react_arg = cmd;
  first = rig_host_create(c, 8, 1);
  RIG_OK(first);
  for (unsigned n = 0; n < DEEP - 1; n++)
    RIG_OK(cmd[n]);
  ck_assert_uint_eq(rig_count(r, RIG_COMPLETE), DEEP);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R12_the_backend_hears_what_was_created_before_the_host_does,
      P16_a_namespace_may_be_unplugged_as_it_is_created,
      R12_a_backends_namespace_is_not_told,
      R13_creates_that_fetch_their_data_are_not_forgotten_ones,
  };

  return MORE_RUN("ns_created", tests);
}
