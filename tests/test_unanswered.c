/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_unanswered.c: a backend that does not answer, and hosts that ask it again and again: what
 * one host leaves unanswered stops no other (R71; principle 7).
 */
#include "objects.h"
#include "rig_more.h"

enum { MOST = 64, MOST_OF_ALL = 1024, HOSTS = MOST_OF_ALL / MOST };

typedef struct tokens {
  nvmens_token all[MOST_OF_ALL + MOST];
  unsigned count;
} tokens;
static tokens asked;

static void keep_token(rig *r, const rig_event *e)
{
  (void)r;
  ck_assert_uint_lt(asked.count, MOST_OF_ALL + MOST);
  asked.all[asked.count++] = e->token;
}

static rig *world(const nvmens_subsys_config *config)
{
  rig *r = rig_new(config);

  asked.count = 0;
  r->log_mask = 0;
  r->prepare = RIG_PREPARE_PENDING;
  r->react = keep_token;
  r->react_on = RIG_BIT(RIG_PREPARE);
  return r;
}

static void answer(rig *r, nvmens_token token)
{
  rig_ns *ns;

  r->prepare_token = token;
  r->intent.create = 1;
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
}

static void answer_all(rig *r)
{
  for (unsigned i = 0; i < asked.count; i++)
    answer(r, asked.all[i]);
  asked.count = 0;
}

/* Creates that are reset before they are answered. */
static void leave(rig_ctrl *c, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    rig_cmd *cmd = rig_host_create(c, 8, 1);

    RIG_MUST(rig_is_open(cmd));
    rig_reenable(c);
    RIG_MUST(cmd->dropped == 1);
  }
}

/* A create that the backend is asked for, and answers. */
static void may_create(rig_ctrl *c)
{
  rig_cmd *cmd = rig_host_create(c, 8, 1);

  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_prepared(c->rig, 0, NULL), 0);
  RIG_OK(cmd);
  asked.count--;
}

static void may_not(rig_ctrl *c)
{
  unsigned before = asked.count;

  RIG_FAILS(rig_host_create(c, 8, 1), SF06);
  ck_assert_uint_eq(asked.count, before);
}

START_TEST(R71_what_one_host_leaves_stops_no_other)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1), *b = more_ctrl_of(r, 2), *other_path = more_ctrl_of(r, 1);
  rig_ns *ns = rig_ns_loose(r, 9);
  rig_cmd *cmd;

  leave(a, MOST);
  may_not(a);
  may_not(other_path);
  RIG_FAILS(rig_host_attach(a, 9, a), SF06);
  may_create(b);
  cmd = rig_host_attach(b, 9, b);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  RIG_OK(cmd);
  asked.count--;
  RIG_OK(rig_host_detach(a, 9, b)); /* nothing is asked for these */
  RIG_OK(rig_host_delete(a, 9));
  ck_assert_int_eq(ns->released, 1);
  answer_all(r);
  may_create(a);
  rig_end(r);
}
END_TEST

START_TEST(R71_each_answer_lets_one_more_be_asked)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);

  leave(a, MOST);
  may_not(a);
  answer(r, asked.all[0]);
  leave(a, 1);
  may_not(a);
  answer(r, asked.all[1]);
  answer(r, asked.all[2]);
  leave(a, 2);
  may_not(a);
  memmove(asked.all, asked.all + 3, (asked.count -= 3) * sizeof(asked.all[0]));
  answer_all(r);
  leave(a, MOST);
  may_not(a);
  answer_all(r);
  rig_end(r);
}
END_TEST

START_TEST(R71_what_is_answered_in_time_does_not_count)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);

  leave(a, MOST - 1);
  for (unsigned i = 0; i < 2 * MOST; i++)
    may_create(a);
  leave(a, 1);
  may_not(a);
  answer_all(r);
  rig_end(r);
}
END_TEST

START_TEST(R71_what_waits_does_not_count)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);
  rig_cmd *cmd[2 * MOST];

  for (unsigned i = 0; i < 2 * MOST; i++)
    cmd[i] = rig_host_create(a, 8, 1);
  ck_assert_uint_eq(asked.count, 2 * MOST);
  rig_pass(r, UINT64_C(11) * RIG_SEC); /* C17 */
  for (unsigned i = 0; i < 2 * MOST; i++)
    RIG_FAILS(cmd[i], SF06);
  may_not(a);
  for (unsigned i = 0; i <= MOST; i++)
    answer(r, asked.all[i]);
  memmove(asked.all, asked.all + MOST + 1, (asked.count -= MOST + 1) * sizeof(asked.all[0]));
  leave(a, 1);
  may_not(a);
  answer_all(r);
  rig_end(r);
}
END_TEST

START_TEST(R71_a_host_that_reconnects_is_the_same)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);

  leave(a, MOST / 2);
  rig_host_create(a, 8, 1);
  rig_ctrl_del(a); /* with a command that waits */
  ck_assert_int_eq(a->released, 1);
  a = more_ctrl_of(r, 1);
  leave(a, MOST / 2 - 1);
  may_not(a);
  rig_ctrl_del(a);
  a = more_ctrl_of(r, 1);
  may_not(a);
  may_create(more_ctrl_of(r, 2));
  answer_all(r);
  may_create(a);
  rig_end(r);
}
END_TEST

START_TEST(R71_all_without_a_host_ID_are_one)
{
  rig *r = world(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);

  leave(a, MOST - 1);
  leave(b, 1);
  may_not(a);
  may_not(b);
  rig_ctrl_del(a);
  may_not(rig_ctrl_on(r));
  may_create(more_ctrl_of(r, 1));
  answer(r, asked.all[0]);
  may_create(b);
  memmove(asked.all, asked.all + 1, --asked.count * sizeof(asked.all[0]));
  answer_all(r);
  rig_end(r);
}
END_TEST

START_TEST(R71_an_administrative_controller_is_of_its_host)
{
  rig *r = world(NULL);
  rig_ctrl *c = more_ctrl_of(r, 1),
           *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN, .hostid = {1}});

  rig_enable(a);
  leave(a, MOST);
  may_not(c);
  answer_all(r);
  rig_end(r);
}
END_TEST

START_TEST(R71_all_hosts_together_are_bounded)
{
  rig *r = world(NULL);
  rig_ctrl *fresh = more_ctrl_of(r, 100), *c[HOSTS];

  rig_ns_loose(r, 9);
  for (unsigned i = 0; i < HOSTS; i++) { /* any host ID can be made up */
    c[i] = more_ctrl_of(r, (uint8_t)(1 + i));
    leave(c[i], i ? MOST : MOST - 1);
  }
  leave(fresh, 1);
  may_not(fresh);
  may_not(more_ctrl_of(r, 101));
  RIG_FAILS(rig_host_attach(fresh, 9, fresh), SF06);
  RIG_OK(rig_host_delete(fresh, 9));
  ck_assert_uint_eq(asked.count, MOST_OF_ALL);
  answer(r, asked.all[0]); /* the first host's */
  may_create(fresh);
  may_not(c[1]);
  memmove(asked.all, asked.all + 1, --asked.count * sizeof(asked.all[0]));
  answer_all(r);
  may_create(c[1]);
  rig_end(r);
}
END_TEST

START_TEST(R71_a_host_that_is_forgotten_begins_anew)
{
  rig *r = world(&(nvmens_subsys_config){.max_ctrls = 1});
  rig_ctrl *a;

  for (unsigned i = 0; i < HOSTS; i++) { /* two hosts by turns: the other is forgotten */
    a = more_ctrl_of(r, (uint8_t)(1 + i % 3));
    leave(a, MOST);
    may_not(a);
    rig_ctrl_del(a);
  }
  may_not(more_ctrl_of(r, 9)); /* what they left counts among all */
  answer_all(r);
  may_create(r->ctrl[r->nctrl - 1]);
  rig_end(r);
}
END_TEST

/* ---- what is kept ---- */

START_TEST(R71_what_is_left_is_small)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);
  unsigned before = r->live;

  leave(a, 1); /* tokens come many at a time */
  before = r->live;
  for (unsigned i = 1; i < 9; i++) {
    leave(a, 1);
    ck_assert_uint_eq(r->live, before + i); /* a block, without the host's data */
  }
  ck_assert_uint_le(sizeof(nvmens_prep), 192);
  answer_all(r);
  rig_end(r);
}
END_TEST

/* The command ends while its hook runs; what that was given stays until it returns. */
static void reset_here(rig *r, const rig_event *e)
{
  const uint8_t *data = r->intent.data;

  keep_token(r, e);
  rig_reenable(e->ctrl);
  if (data)
    ck_assert_uint_eq(data[0], 8);
  else
    ck_assert_uint_eq(r->intent.cntlid[0], 0);
}

START_TEST(R71_a_reset_in_prepare_leaves_it_unanswered)
{
  rig *r = world(NULL);
  rig_ctrl *a = more_ctrl_of(r, 1);
  unsigned live;

  rig_ns_loose(r, 9);
  leave(a, 1);
  r->react = reset_here;
  live = r->live;
  ck_assert_uint_eq(rig_host_create(a, 8, 1)->dropped, 1);
  ck_assert_uint_eq(r->live, live + 1);
  for (unsigned i = 2; i < MOST; i++)
    RIG_MUST(rig_host_create(a, 8, 1)->dropped == 1);
  may_not(a);
  answer(r, asked.all[0]);
  ck_assert_uint_eq(rig_host_attach(a, 9, a)->dropped, 1);
  may_not(a);
  r->prepare_token = asked.all[--asked.count];
  r->intent.create = 0;
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  memmove(asked.all, asked.all + 1, --asked.count * sizeof(asked.all[0]));
  answer_all(r);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R71_what_one_host_leaves_stops_no_other,         R71_each_answer_lets_one_more_be_asked,
      R71_what_is_answered_in_time_does_not_count,     R71_what_waits_does_not_count,
      R71_a_host_that_reconnects_is_the_same,          R71_all_without_a_host_ID_are_one,
      R71_an_administrative_controller_is_of_its_host, R71_all_hosts_together_are_bounded,
      R71_a_host_that_is_forgotten_begins_anew,        R71_what_is_left_is_small,
      R71_a_reset_in_prepare_leaves_it_unanswered,
  };

  return MORE_RUN("unanswered", tests);
}
