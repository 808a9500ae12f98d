/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_regress_more.c: as test_regress.c: the end of a subsystem, private namespaces, events of the
 * backend's, effects left over, what a command costs, two small calls, and the answer of a bar (T4,
 * T8; R25, R29, R32, R44, R51; principle 8).
 */
#include "rig_more.h"

#include <time.h>

static void on(rig *r, uint32_t hooks, void (*react)(rig *, const rig_event *), void *arg)
{
  r->react = react;
  r->react_on = hooks;
  r->react_arg = arg;
}

/* ---- nvmens_subsys_del ---- */

/* The subsystem was deleted by the test: what is left is the rig's. */
static void end_deleted(rig *r)
{
  ck_assert_uint_eq(r->live, 0);
  r->s = NULL;
  r->no_check = 1;
  rig_end(r); /* asserts: each object released once */
}

static void make_more(rig *r, const rig_event *e)
{
  unsigned *made = r->react_arg;
  const unsigned live = r->live;

  (void)e;
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.shared = 1, .auto_attach = 1}, NULL),
                   NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_ctrl_try(r, NULL, NULL), NVMENS_ERR_BUSY);
  ck_assert_uint_eq(r->live, live);
  ++*made;
}

static void del_while_made(rig_kind kind)
{
  rig *r = rig_new(NULL);
  unsigned made = 0;

  rig_ctrl_on(r);
  rig_ctrl_new(r, NULL);
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  on(r, RIG_BIT(kind), make_more, &made);
  ck_assert_int_eq(nvmens_subsys_del(r->s), 0);
  ck_assert_uint_eq(made, 2);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), 2);
  ck_assert_uint_eq(rig_count(r, RIG_CTRL_RELEASED), 2);
  end_deleted(r);
}

START_TEST(T4_subsys_del_bars_what_released_makes)
{
  del_while_made(RIG_RELEASED);
}
END_TEST

START_TEST(T4_subsys_del_bars_what_ctrl_released_makes)
{
  del_while_made(RIG_CTRL_RELEASED);
}
END_TEST

START_TEST(subsys_del_waits_for_a_drain_that_is_pending)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *first = rig_ns_auto(r, 1), *second = rig_ns_auto(r, 2);
  unsigned made = 0;

  r->drain = RIG_DRAIN_PENDING;
  rig_log_clear(r);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 4);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED) + rig_count(r, RIG_RELEASED), 0);
  ck_assert_int_eq(rig_drained(first, a), 0);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_drained(first, b), 0);
  ck_assert_int_eq(first->released, 1);
  ck_assert_int_eq(rig_drained(second, b), 0);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_drained(second, b), NVMENS_ERR_STALE); /* T7 */
  r->react_arg = &made;
  make_more(r, NULL);
  ck_assert_int_eq(rig_drained(second, a), 0);
  ck_assert_int_eq(nvmens_subsys_del(r->s), 0);
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 4);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), 4);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), 2);
  ck_assert_uint_eq(rig_count(r, RIG_CTRL_RELEASED), 2);
  end_deleted(r);
}
END_TEST

START_TEST(subsys_del_takes_an_answer_from_inside_drain_begin)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  r->drain = RIG_DRAIN_EARLY;
  ck_assert_int_eq(nvmens_subsys_del(r->s), 0);
  end_deleted(r);
}
END_TEST

/* ---- R25: a private namespace ---- */

START_TEST(R25_plug_of_a_private_namespace_waits_for_its_drain_elsewhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *home = rig_ctrl_on(r), *other = rig_ctrl_on(r);
  rig_ns *ns =
      rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .home_given = 1}); /* c0 */

  ck_assert_int_eq(more_att(ns, home), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(rig_detach(ns, home, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, other), 0);
  ck_assert_int_eq(rig_plug(ns), 0); /* it has its one controller */
  ck_assert_int_eq(more_att(ns, home), NVMENS_ATT_WANTED);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, other, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(more_att(ns, home), NVMENS_ATT_DETACHED); /* R56: auto attach has ended */
  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_int_eq(more_att(ns, home), NVMENS_ATT_WANTED);
  ck_assert_int_eq(rig_drained(ns, other), 0);
  ck_assert_int_eq(more_att(ns, home), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(ns, other), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

/* ---- R29, R32: an event of the backend's, posted again with other words ---- */

enum { PAGE = NVMENS_LID_SMART, OTHER_PAGE = NVMENS_LID_FIRMWARE, INFO = 0 };

static int post(rig_ctrl *c, uint8_t lid, uint32_t mask)
{
  return rig_post(c, NVMENS_AER_SMART, INFO, lid, mask);
}

static void was_read(rig_ctrl *c, uint8_t lid, uint64_t stamp)
{
  nvmens_log_was_read(c->c, lid, stamp);
  rig_check(c->rig);
}

static rig_ctrl *reported(rig *r)
{
  rig_ctrl *c = rig_listening(r, 1);

  ck_assert_int_eq(post(c, PAGE, 1), 0);
  ck_assert_uint_eq(rig_event_now(c), NVMENS_AER_SMART | PAGE << 16);
  ck_assert_uint_eq(rig_info(c).reported, 1);
  return c;
}

START_TEST(R29_what_was_reported_is_cleared_by_the_page_that_was_named)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = reported(r);

  ck_assert_int_eq(post(c, OTHER_PAGE, 2), 0);
  was_read(c, OTHER_PAGE, nvmens_log_latch(c->c, OTHER_PAGE)); /* the host was not sent there */
  ck_assert_uint_eq(rig_info(c).reported, 1);
  was_read(c, PAGE, nvmens_log_latch(c->c, PAGE));
  ck_assert_uint_eq(rig_info(c).reported, 0);
  ck_assert_uint_eq(rig_heard(c), 0); /* the read was later than both */
  RIG_OK(rig_set_aec(c, 2));
  ck_assert_int_eq(post(c, OTHER_PAGE, 2), 0); /* from CLEAR it says anything anew */
  ck_assert_uint_eq(rig_event_now(c), NVMENS_AER_SMART | OTHER_PAGE << 16);
  was_read(c, OTHER_PAGE, nvmens_log_latch(c->c, OTHER_PAGE));
  ck_assert_uint_eq(rig_info(c).reported, 0);
  rig_end(r);
}
END_TEST

START_TEST(R44_a_post_between_latch_and_read_is_told_after_the_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = reported(r);
  uint64_t stamp = nvmens_log_latch(c->c, PAGE);

  ck_assert_int_eq(post(c, OTHER_PAGE, 1), 0);
  was_read(c, PAGE, stamp);
  ck_assert_uint_eq(rig_info(c).reported, 0);
  ck_assert_uint_ne(rig_event_now(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R32_bits_toggle_after_a_post_with_another_mask)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = reported(r);

  ck_assert_int_eq(post(c, PAGE, 2), 0);
  RIG_OK(rig_set_aec(c, 3)); /* each looks at all invariants */
  RIG_OK(rig_set_aec(c, 1));
  ck_assert_uint_eq(rig_info(c).reported, 1);
  ck_assert_uint_eq(rig_heard(c), 0);
  RIG_OK(rig_set_aec(c, 2)); /* off: no longer reported */
  ck_assert_uint_eq(rig_info(c).reported, 0);
  ck_assert_uint_eq(rig_heard(c), 0);
  RIG_OK(rig_set_aec(c, 1)); /* on: the condition is still true */
  ck_assert_uint_eq(rig_heard(c), NVMENS_AER_SMART | PAGE << 16);
  RIG_OK(rig_set_aec(c, 0));
  RIG_OK(rig_set_aec(c, 3));
  was_read(c, PAGE, nvmens_log_latch(c->c, PAGE));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

/* ---- principle 8: effects that are left over ---- */

START_TEST(T8_effects_left_over_are_due_at_once)
{
  enum { MANY = 5000, TURNS = 16 };
  rig *r = rig_new(&(nvmens_subsys_config){.nn = MANY});
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned turns = 0;

  r->no_check = 1; /* it walks everything */
  for (uint32_t nsid = 1; nsid <= MANY; nsid++)
    rig_ns_auto(r, nsid);
  ck_assert_uint_eq(rig_info(c).attached, MANY);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_log_clear(r);
  rig_ctrl_del(c);
  ck_assert_uint_eq(rig_count(r, RIG_CTRL_RELEASED), 0); /* more than one turn */
  ck_assert_uint_le(more_next(r), r->now);               /* without wake, too */
  for (; more_next(r) != RIG_NEVER; rig_poll(r))
    ck_assert_uint_lt(turns++, TURNS);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), MANY);
  ck_assert_uint_eq(rig_count(r, RIG_CTRL_RELEASED), 1);
  r->no_check = 0;
  rig_check(r);
  r->no_check = 1;
  rig_end(r);
}
END_TEST

/* ---- the cost of one command for many hosts: no rig, for it has few controllers ---- */

enum { HOSTS = NVMENS_LIST_CTRLS }; /* as many as one list names */
static nvmens_ctrl_list all_hosts;
static int completed;
static uint16_t completed_sf;

static void many_complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                          uint64_t error_info)
{
  (void)user, (void)cmd, (void)dw0, (void)error_info;
  completed++;
  completed_sf = status.sf;
}

static void many_drop(void *user, nvmens_cmd *cmd)
{
  (void)user, (void)cmd;
}

static nvmens_status many_transfer(void *user, nvmens_cmd *cmd, void *buf, size_t len,
                                   nvmens_dir dir)
{
  (void)user, (void)cmd;
  ck_assert(dir == NVMENS_FROM_HOST && len == sizeof(all_hosts));
  memcpy(buf, &all_hosts, len);
  return (nvmens_status){0};
}

static nvmens_wait many_prepare(void *user, nvmens_cmd *cmd, const nvmens_intent *intent,
                                nvmens_token token)
{
  (void)user, (void)cmd, (void)intent, (void)token;
  return NVMENS_DONE;
}

static nvmens_subsys *many_hosts(nvmens_ctrl *ctrl[HOSTS])
{
  const nvmens_host host = {.cmd_complete = many_complete,
                            .cmd_drop = many_drop,
                            .transfer = many_transfer,
                            .prepare = many_prepare};
  const nvmens_subsys_config config = {.max_ctrls = HOSTS};
  const nvmens_ns_config ns = {.nsid = 1, .shared = 1, .nsze = 8, .ident = {.uuid = {1}}};
  nvmens_subsys *s;
  nvmens_nsref ref;

  ck_assert_int_eq(nvmens_subsys_new(&s, &config, &host, NULL, NULL), 0);
  nvmens_put16(all_hosts.count, HOSTS);
  for (unsigned i = 0; i < HOSTS; i++) {
    nvmens_ctrl_config one = {.hostid = {1, (uint8_t)i, (uint8_t)(i >> 8)}};

    RIG_MUST(nvmens_ctrl_new(&ctrl[i], s, &one, NULL) == 0);
    RIG_MUST(nvmens_ctrl_enable(ctrl[i], 0) == 0);
    nvmens_put16(all_hosts.cntlid[i], (uint16_t)i);
  }
  ck_assert_int_eq(nvmens_ns_new(s, &ns, NULL, &ref), 0);
  return s;
}

/* Milliseconds that the command took. */
static long many_attachment(nvmens_ctrl *ctrl, uint8_t select)
{
  nvmens_sqe sqe = {.opcode = NVMENS_OP_NS_ATTACHMENT, .nsid = {1}, .cdw10 = {select}};
  struct timespec from, to;
  nvmens_cmd cmd;

  completed = 0;
  clock_gettime(CLOCK_MONOTONIC, &from);
  ck_assert_int_eq(nvmens_admin(ctrl, &cmd, &sqe, 0), NVMENS_TAKEN);
  clock_gettime(CLOCK_MONOTONIC, &to);
  ck_assert_int_eq(completed, 1);
  ck_assert_uint_eq(completed_sf, 0);
  return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
}

START_TEST(R20_an_attach_for_many_hosts_is_no_product_of_hosts)
{
  static nvmens_ctrl *ctrl[HOSTS];
  nvmens_subsys *s = many_hosts(ctrl);
  nvmens_ctrl_info info;

  ck_assert_int_lt(many_attachment(ctrl[0], NVMENS_NS_ATTACH), 2000); /* it takes 20 or less */
  for (unsigned i = 0; i < HOSTS; i++) {
    RIG_MUST(nvmens_ctrl_query(ctrl[i], &info) == 0);
    RIG_MUST(info.attached == 1);
  }
  ck_assert_int_lt(many_attachment(ctrl[0], NVMENS_NS_DETACH), 2000);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

/* ---- nvmens_ns_next ---- */

START_TEST(P16_ns_next_walks_all_namespaces_in_order)
{
  static const uint32_t nsid[] = {700, 3, NVMENS_NSID_MAX, 64, 1, 65};
  static const uint32_t order[] = {1, 3, 64, 65, 700, NVMENS_NSID_MAX};
  rig *r = rig_new(&(nvmens_subsys_config){.nn = NVMENS_NSID_MAX, .mnan = 100});
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_nsref ref = {0, 0};
  unsigned i;

  ck_assert_int_eq(nvmens_ns_next(r->s, 0, &ref), NVMENS_ERR_NOT_FOUND);
  for (i = 0; i < sizeof(nsid) / sizeof(nsid[0]); i++)
    rig_ns_loose(r, nsid[i]);
  rig_find(r, 64)->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(rig_find(r, 64), c), 0);
  ck_assert_int_eq(rig_unplug(rig_find(r, 64), NVMENS_ORDERLY, RIG_NEVER), 0); /* stays a while */
  for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
    ck_assert_int_eq(nvmens_ns_next(r->s, ref.nsid, &ref), 0);
    ck_assert_uint_eq(ref.nsid, order[i]);
    ck_assert_uint_eq(ref.gen, rig_find(r, order[i])->ref.gen);
  }
  ck_assert_int_eq(nvmens_ns_next(r->s, ref.nsid, &ref), NVMENS_ERR_NOT_FOUND);
  ck_assert_uint_eq(ref.nsid, NVMENS_NSID_MAX); /* as it was */
  ck_assert_int_eq(nvmens_ns_next(r->s, NVMENS_NSID_ALL, &ref), NVMENS_ERR_NOT_FOUND);
  ck_assert_int_eq(nvmens_ns_next(r->s, 0, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_next(NULL, 0, &ref), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

/* ---- nvmens_admin_data_len ---- */

static size_t data_expected(unsigned opcode, unsigned select)
{
  if (opcode == NVMENS_OP_NS_MANAGEMENT)
    return select == NVMENS_NS_MGMT_CREATE ? NVMENS_PAGE : 0;
  if (opcode == NVMENS_OP_NS_ATTACHMENT)
    return select == NVMENS_NS_ATTACH || select == NVMENS_NS_DETACH ? NVMENS_PAGE : 0;
  return 0;
}

START_TEST(R7_R18_admin_data_len_is_what_the_host_sends)
{
  nvmens_sqe sqe;

  memset(&sqe, 0xFF, sizeof(sqe)); /* nothing else counts */
  for (unsigned opcode = 0; opcode < 256; opcode++)
    for (unsigned select = 0; select < 256; select++) {
      sqe.opcode = (uint8_t)opcode;
      sqe.cdw10[0] = (uint8_t)select;
      RIG_SAY(nvmens_admin_data_len(&sqe) == data_expected(opcode, select & 0x0F),
              "opcode %02xh, CDW10 %02xh", opcode, select);
    }
  ck_assert_uint_eq(nvmens_admin_data_len(NULL), 0);
}
END_TEST

START_TEST(R7_R18_admin_data_len_is_what_is_fetched)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  for (unsigned select = 0; select < 16; select++)
    for (unsigned i = 0; i < 2; i++) {
      const uint8_t opcode = i ? NVMENS_OP_NS_ATTACHMENT : NVMENS_OP_NS_MANAGEMENT;
      const nvmens_sqe sqe = {.opcode = opcode, .cdw10 = {(uint8_t)select}};
      static uint8_t zero[NVMENS_PAGE];
      rig_cmd *cmd = rig_admin(c, .opcode = opcode, .nsid = 1, .cdw10 = select, .data = zero,
                               .size = sizeof(zero));

      ck_assert_uint_eq(cmd->done, 1);
      ck_assert_uint_eq(cmd->moved, nvmens_admin_data_len(&sqe));
      if (!rig_find(r, 1)) /* deleted by this */
        rig_ns_loose(r, 1);
    }
  rig_end(r);
}
END_TEST

/* ---- barred I/O ---- */

static nvmens_lane *asker;
static unsigned barred;

/* As a queue's thread that sends a command at that moment. */
static void ask(rig *r, const nvmens_trace *step)
{
  nvmens_ticket ticket;
  void *user;
  nvmens_status status = nvmens_io_begin(asker, 1, &ticket, &user);

  (void)r;
  (void)step;
  if (!status.sf) {
    nvmens_io_end(asker, ticket);
    return;
  }
  barred++;
  ck_assert_uint_eq(status.sf, NVMENS_SC_INTERNAL_PATH_ERROR);
}

static void detach_while_asked(nvmens_mode mode)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = more_ctrl_of(r, 7);
  rig_ns *ns = rig_ns_auto(r, 1);

  more_ctrl_of(r, 7);
  asker = rig_lane(c);
  barred = 0;
  r->on_trace = ask;
  ck_assert_int_eq(rig_detach(ns, c, mode, RIG_NEVER), 0);
  r->on_trace = NULL;
  ck_assert_uint_gt(barred, 0);
  rig_end(r);
}

START_TEST(R51_from_its_first_moment_a_bar_sends_to_the_other_path)
{
  detach_while_asked(NVMENS_ORDERLY);
  detach_while_asked(NVMENS_SURPRISE);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      T4_subsys_del_bars_what_released_makes,
      T4_subsys_del_bars_what_ctrl_released_makes,
      subsys_del_waits_for_a_drain_that_is_pending,
      subsys_del_takes_an_answer_from_inside_drain_begin,
      R25_plug_of_a_private_namespace_waits_for_its_drain_elsewhere,
      R29_what_was_reported_is_cleared_by_the_page_that_was_named,
      R44_a_post_between_latch_and_read_is_told_after_the_read,
      R32_bits_toggle_after_a_post_with_another_mask,
      T8_effects_left_over_are_due_at_once,
      R20_an_attach_for_many_hosts_is_no_product_of_hosts,
      P16_ns_next_walks_all_namespaces_in_order,
      R7_R18_admin_data_len_is_what_the_host_sends,
      R7_R18_admin_data_len_is_what_is_fetched,
      R51_from_its_first_moment_a_bar_sends_to_the_other_path,
  };

  return MORE_RUN("regress_more", tests);
}
