/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_faults.c: allocations that fail where much hangs on them: controllers, tables that grow,
 * lists of the host's, a prepare that is answered late, a log that is read (principle 4 and
 * invariants 21, 22 of docs/design.md; R20, P2, P4; scenario 24). test_nomem.c has each call alone.
 */
#include "rig_more.h"
#include <stdarg.h>

enum { CTRLS = 4 };

/* Four controllers with a lane each; namespace 1 is everywhere, 2 nowhere; both events are on. */
static rig *small(void)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 4096, .tnvmcap = {UINT64_C(1) << 40, 0}});

  for (unsigned i = 0; i < CTRLS; i++) {
    rig_ctrl *c = rig_ctrl_on(r);

    RIG_OK(rig_set_aec(c, NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS));
    rig_lane(c);
  }
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  return r;
}

static rig *with(uint32_t many)
{
  rig *r = small();

  r->no_check = 1;
  for (uint32_t i = 0; i < many; i++)
    rig_ns_auto(r, 10 + i);
  r->no_check = 0;
  return r;
}

static rig *some(void)
{
  return with(20);
}

/* So many that tables and counters are about to grow. */
static rig *full(void)
{
  return with(255);
}

/* ---- what can be seen ---- */

static void add(char **at, const char *end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(char **at, const char *end, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  *at += vsnprintf(*at, (size_t)(end - *at), format, args);
  va_end(args);
  ck_assert(*at < end);
}

/* All of it as text; reads the logs without consuming them. */
static char *look(rig *r)
{
  static char text[2][65536];
  static unsigned turn;
  char *const start = text[turn++ & 1], *at = start, *const end = start + sizeof(text[0]);

  for (unsigned i = 0; i < r->nctrl; i++) {
    rig_ctrl *c = r->ctrl[i];
    const nvmens_ctrl_info info = rig_info(c);
    const nvmens_u128 u = more_unvmcap(c);

    add(&at, end, "c%u %u/%u %u %u %u ", info.cntlid, info.attached, info.draining, info.parked,
        info.owed, info.reported);
    add(&at, end, "%llx %llu ", (unsigned long long)u.lo, (unsigned long long)info.sent);
    add(&at, end, "[%s] ", rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST));
    add(&at, end, "[%s] ", rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST));
    add(&at, end, "[%s] ", rig_changed(c, RIG_LID4, RIG_PEEK));
    add(&at, end, "[%s]\n", rig_changed(c, RIG_LID1C, RIG_PEEK));
    for (uint32_t nsid = 1; nsid < 12; nsid++) {
      rig_ns *ns = rig_find(r, nsid);

      if (ns)
        add(&at, end, "%u:%u/%u ", nsid, more_att(ns, c), rig_att(ns, c).open);
    }
  }
  add(&at, end, "%llu", (unsigned long long)more_next(r));
  return start;
}

/* ---- the calls: 0, or NVMENS_ERR_NOMEM ---- */

static int status(const rig_cmd *cmd)
{
  ck_assert_uint_eq(cmd->done, 1);
  ck_assert(cmd->sf == 0 || cmd->sf == SF06);
  return cmd->sf ? NVMENS_ERR_NOMEM : 0;
}

static int new_everywhere(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 3, .shared = 1, .auto_attach = 1}, NULL);
}

static int new_far_away(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 4096, .shared = 1, .auto_attach = 1}, NULL);
}

static int new_controller(rig *r)
{
  return rig_ctrl_try(r, &(nvmens_ctrl_config){.cntlid = 0xFFEF, .cntlid_given = 1}, NULL);
}

static int plug_everywhere(rig *r)
{
  return rig_plug(rig_find(r, 2));
}

static int attach_one(rig *r)
{
  return rig_attach(rig_find(r, 2), r->ctrl[2]);
}

static int create(rig *r)
{
  return status(rig_host_create(r->ctrl[0], 100, 1));
}

static int create_late(rig *r)
{
  rig_cmd *cmd;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(r->ctrl[0], 100, 1);
  if (!cmd->done)
    ck_assert_int_eq(rig_prepared(r, 0, NULL), 0); /* it is the library's in any case */
  return status(cmd);
}

static int delete_all(rig *r)
{
  return status(rig_host_delete(r->ctrl[0], NVMENS_NSID_ALL));
}

/* ---- the loop ---- */

/* Makes the nth allocation of the call fail, and perhaps all after it. 0: there are fewer. */
static int fail_nth(rig *(*world)(void), int (*call)(rig *), unsigned n, int persistent)
{
  rig *r = world();
  char *before = look(r);
  int rc, failed;

  r->failed = 0;
  r->fail_all = persistent;
  r->fail_alloc = n;
  rc = call(r);
  r->fail_alloc = 0;
  failed = r->failed != 0;
  if (rc) {
    ck_assert_int_eq(rc, NVMENS_ERR_NOMEM);
    ck_assert(failed);
    rig_check(r);
    ck_assert_str_eq(look(r), before);
    ck_assert_int_eq(call(r), 0); /* with memory it does what it should have done */
  }
  rig_end(r); /* nothing is left, and every object came back once */
  return failed;
}

static void fail_each(rig *(*world)(void), int (*call)(rig *))
{
  for (int persistent = 0; persistent < 2; persistent++)
    for (unsigned n = 1; fail_nth(world, call, n, persistent); n++)
      ck_assert_uint_lt(n, 200);
}

#define FAULT_TEST(name, world, call)                                                              \
  START_TEST(name)                                                                                 \
  {                                                                                                \
    fail_each(world, call);                                                                        \
  }                                                                                                \
  END_TEST

FAULT_TEST(S24_a_namespace_for_four_controllers, small, new_everywhere)
FAULT_TEST(S24_a_namespace_when_tables_grow, full, new_everywhere)
FAULT_TEST(S24_a_namespace_far_away, full, new_far_away)
FAULT_TEST(S24_a_controller_that_gets_one, small, new_controller)
FAULT_TEST(S24_a_controller_that_gets_many, some, new_controller)
FAULT_TEST(S24_plug_on_four_controllers, small, plug_everywhere)
FAULT_TEST(S24_plug_when_tables_grow, full, plug_everywhere)
FAULT_TEST(S24_attach_when_tables_grow, full, attach_one)
FAULT_TEST(S24_create, full, create)
FAULT_TEST(S24_create_answered_late, small, create_late)
FAULT_TEST(S24_delete_all, small, delete_all)

START_TEST(R20_an_attach_without_memory_keeps_what_was_applied)
{
  static const char *const prefix[] = {"0:", "1: 0", "2: 0 1", "3: 0 1 2", "4: 0 1 2 3"};
  int failed = 1;

  for (unsigned n = 1; failed; n++) {
    rig *r = small();
    rig_cmd *cmd;
    unsigned attached;

    r->failed = 0;
    r->fail_alloc = n;
    cmd = MORE_ATTACH(r->ctrl[0], 2, 0, 1, 2, 3);
    r->fail_alloc = 0;
    failed = r->failed != 0;
    attached = more_ns(rig_find(r, 2)).attached;
    ck_assert_int_eq(status(cmd) == 0, attached == 4);
    ck_assert_str_eq(more_ctrls(r->ctrl[0], NVMENS_CNS_NS_CTRL_LIST, 2, 0), prefix[attached]);
    ck_assert_str_eq(rig_changed(r->ctrl[3], RIG_LID4, RIG_PEEK), attached == 4 ? "1 2" : "1");
    rig_end(r);
  }
}
END_TEST

START_TEST(S24_an_object_comes_back_when_there_is_no_memory_for_it)
{
  rig *r = small();
  rig_ns *ns;
  rig_cmd *cmd;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(r->ctrl[0], 100, 1);
  r->failed = 0;
  r->fail_all = 1;
  r->fail_alloc = 1;
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  r->fail_alloc = 0;
  if (r->failed) { /* else all memory was taken before prepare */
    RIG_FAILS(cmd, SF06);
    ck_assert_int_eq(ns->released, 1);
    ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  }
  rig_end(r);
}
END_TEST

START_TEST(P4_a_log_that_could_not_be_read_is_intact)
{
  rig *r = small();
  rig_ctrl *c = r->ctrl[0];
  static uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  r->failed = 0;
  r->fail_all = 1;
  r->fail_alloc = 1;
  cmd = rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  r->fail_alloc = 0;
  if (r->failed) {
    RIG_FAILS(cmd, SF06);
    ck_assert_uint_eq(rig_info(c).reported, 1);
    ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  }
  ck_assert_uint_eq(rig_info(c).reported, 0);
  rig_end(r);
}
END_TEST

/* ---- invariant 22: what never takes memory ---- */

static void no_more_memory(rig *r)
{
  r->failed = 0;
  r->fail_all = 1;
  r->fail_alloc = 1;
}

static void none_was_wanted(rig *r)
{
  ck_assert_uint_eq(r->failed, 0);
  r->fail_alloc = 0;
}

START_TEST(P2_removal_and_its_events_take_no_memory)
{
  rig *r = small();
  rig_ctrl *a = r->ctrl[0], *b = r->ctrl[1];
  rig_ns *ns = rig_find(r, 1);

  for (unsigned i = 0; i < 2; i++) {
    RIG_OK(rig_set_aec(r->ctrl[i], NVMENS_AEC_ATTACHED_NS));
    rig_changed(r->ctrl[i], RIG_LID4, RIG_CONSUME);
  }
  ns->drain = RIG_DRAIN_PENDING;
  no_more_memory(r);
  ck_assert_int_eq(rig_resize(ns, 5), 0);
  ck_assert_uint_eq(rig_event_now(b), RIG_EV4);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_SEC), 0);
  ck_assert_uint_eq(rig_event_now(a), RIG_EV4);
  rig_pass(r, RIG_SEC);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  for (unsigned i = 0; i < CTRLS; i++)
    ck_assert_int_eq(rig_drained(ns, r->ctrl[i]), 0);
  ck_assert_int_eq(ns->released, 1);
  none_was_wanted(r);
  rig_end(r);
}
END_TEST

START_TEST(P2_host_commands_without_data_take_no_memory)
{
  rig *r = small();
  rig_ctrl *c = r->ctrl[0];
  rig_cmd *aer;

  no_more_memory(r);
  RIG_OK(rig_set_aec(c, 0));
  ck_assert_uint_eq(rig_get_aec(c), 0);
  aer = rig_aer(c);
  RIG_OK(rig_abort(c, aer->cid));
  RIG_OK(rig_host_delete(c, 1));
  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL));
  none_was_wanted(r);
  rig_end(r);
}
END_TEST

START_TEST(P2_controllers_come_and_go_without_memory)
{
  rig *r = small();
  rig_io io = rig_io_begin(r, r->lane[1], 1);

  no_more_memory(r);
  rig_aer(r->ctrl[0]);
  rig_reenable(r->ctrl[0]);
  ck_assert_int_eq(rig_post(r->ctrl[0], NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0), 0);
  rig_shutdown(r->ctrl[0]);
  rig_ctrl_del(r->ctrl[1]);
  rig_lane_del(r, r->lane[1]);
  rig_io_end_remote(&io);
  rig_rest(r);
  ck_assert_int_eq(r->ctrl[1]->released, 1);
  none_was_wanted(r);
  rig_end(r);
}
END_TEST

START_TEST(G4_begin_and_end_take_no_memory)
{
  rig *r = full();
  nvmens_lane *lane = r->lane[0];

  no_more_memory(r);
  r->no_check = 1;
  for (uint32_t nsid = 0; nsid < 400; nsid++)
    more_begin(r, lane, nsid);
  r->no_check = 0;
  none_was_wanted(r);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      S24_a_namespace_for_four_controllers,
      S24_a_namespace_when_tables_grow,
      S24_a_namespace_far_away,
      S24_a_controller_that_gets_one,
      S24_a_controller_that_gets_many,
      S24_plug_on_four_controllers,
      S24_plug_when_tables_grow,
      S24_attach_when_tables_grow,
      S24_create,
      S24_create_answered_late,
      S24_delete_all,
      R20_an_attach_without_memory_keeps_what_was_applied,
      S24_an_object_comes_back_when_there_is_no_memory_for_it,
      P4_a_log_that_could_not_be_read_is_intact,
      P2_removal_and_its_events_take_no_memory,
      P2_host_commands_without_data_take_no_memory,
      P2_controllers_come_and_go_without_memory,
      G4_begin_and_end_take_no_memory,
  };

  return MORE_RUN("faults", tests);
}
