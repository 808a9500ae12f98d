/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_nomem.c: what must not fail takes no memory (principle 4, invariant 22; P2, scenario 24): a
 * row for each function but those of faults.h, called where not one allocation succeeds. And what
 * has its own answer to a lack of memory (R20).
 */
#include "faults.h"
#include "rig_more.h"

enum { CTRLS = 4 };

/* Controllers with a lane each, 0 with an AER; namespace 1 is everywhere, 2 nowhere. */
static rig *world(void)
{
  rig *r = rig_new(&(nvmens_subsys_config){.tnvmcap = {UINT64_C(1) << 40, 0}});

  for (unsigned i = 0; i < CTRLS; i++)
    rig_lane(rig_listening(r, RIG_BIT4 | RIG_BIT1C));
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  for (unsigned i = 0; i < CTRLS; i++) {
    rig_changed(r->ctrl[i], RIG_LID4, RIG_CONSUME);
    rig_changed(r->ctrl[i], RIG_LID1C, RIG_CONSUME);
  }
  rig_aer(r->ctrl[0]);
  return r;
}

/* ---- the calls, and what they are to do ---- */

static void resize(rig *r)
{
  ck_assert_int_eq(rig_resize(rig_find(r, 1), 5), 0);
  ck_assert_uint_eq(r->cmds->dw0, RIG_EV4);
  for (unsigned i = 0; i < CTRLS; i++)
    ck_assert_str_eq(rig_changed(r->ctrl[i], RIG_LID4, RIG_CONSUME), "1");
}

static void detach(rig *r)
{
  rig_ns *ns = rig_find(r, 1);

  ck_assert_int_eq(rig_detach(ns, r->ctrl[0], NVMENS_ORDERLY, RIG_SEC), 0);
  ck_assert_int_eq(rig_detach(ns, r->ctrl[1], NVMENS_SURPRISE, RIG_SEC), 0);
  ck_assert_uint_eq(r->cmds->dw0, RIG_EV4);
  ck_assert_uint_eq(rig_event_now(r->ctrl[1]), RIG_EV1C); /* of the first; it was owed before */
}

/* Each of the backend's drains is late, aborted at its deadline, and answered. */
static void unplug(rig *r)
{
  rig_ns *ns = rig_find(r, 1);

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_SEC), 0);
  ck_assert_uint_eq(rig_event_now(r->ctrl[3]), RIG_EV4);
  rig_pass(r, RIG_SEC);
  for (unsigned i = 0; i < CTRLS; i++)
    ck_assert_int_eq(rig_drained(ns, r->ctrl[i]), 0);
  ck_assert_int_eq(ns->released, 1);
}

static void unplug_surprise(rig *r)
{
  rig_ns *ns = rig_find(r, 1);
  rig_io io = rig_io_begin(r, r->lane[1], 1), far = rig_io_begin(r, r->lane[2], 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  rig_io_end(&io);
  rig_io_end_remote(&far);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
}

static void post(rig *r)
{
  ck_assert_int_eq(rig_post(r->ctrl[0], NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0), 0);
  ck_assert_uint_eq(r->cmds->dw0, 0x00020101);
  nvmens_log_was_read(r->ctrl[0]->c, NVMENS_LID_SMART,
                      nvmens_log_latch(r->ctrl[0]->c, NVMENS_LID_SMART));
  ck_assert_uint_eq(rig_info(r->ctrl[0]).reported, 0);
}

static void park(rig *r)
{
  rig_cmd *aer = rig_cmd_new(r->ctrl[1]);

  ck_assert_uint_eq(nvmens_aer(r->ctrl[1]->c, &aer->cmd, 77).sf, 0);
  aer->taken = 1;
  ck_assert_uint_eq(nvmens_aec(r->ctrl[1]->c), RIG_BIT4 | RIG_BIT1C);
  ck_assert_int_eq(nvmens_aer_abort(r->ctrl[1]->c, 77), 0);
  ck_assert_uint_eq(aer->sf, NVMENS_SC_ABORTED_BY_REQUEST);
}

static void life(rig *r)
{
  rig_reenable(r->ctrl[0]);
  rig_shutdown(r->ctrl[0]);
  rig_reenable(r->ctrl[0]);
  rig_lane_del(r, r->lane[1]);
  rig_ctrl_del(r->ctrl[1]);
  rig_rest(r);
  ck_assert_int_eq(r->ctrl[1]->released, 1);
}

/* What an admin command allocates is a row of test_faults.c; these are to do without. */
static void admin(rig *r)
{
  rig_ctrl *c = r->ctrl[0];

  RIG_OK(rig_set_aec(c, 0));
  ck_assert_uint_eq(rig_get_aec(c), 0);
  RIG_OK(rig_abort(c, rig_aer(c)->cid));
  RIG_OK(rig_host_delete(c, 1));
  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL));
}

static void begin(rig *r)
{
  rig_io io = rig_io_begin(r, r->lane[0], 1);
  nvmens_ticket ticket;
  uint32_t nsid;
  void *user;

  ck_assert_uint_eq(io.sf, 0);
  rig_io_end(&io);
  for (nsid = 2; nsid < 400; nsid++)
    ck_assert_uint_ne(more_begin(r, r->lane[0], nsid), 0);
  ck_assert_uint_eq(nvmens_io_begin_next(r->lane[0], 0, &nsid, &ticket, &user).sf, 0);
  ck_assert_uint_eq(nsid, 1);
  nvmens_io_end(r->lane[0], ticket);
}

static void query(rig *r)
{
  const uint8_t sqe[64] = {NVMENS_OP_NS_MANAGEMENT};
  nvmens_nsref ref;
  uint8_t page[NVMENS_PAGE];

  ck_assert_int_eq(nvmens_ns_find(r->s, 1, &ref), 0);
  ck_assert_int_eq(nvmens_ns_next(r->s, 1, &ref), 0);
  ck_assert_uint_eq(ref.nsid, 2);
  ck_assert_uint_eq(more_ns(rig_find(r, 1)).attached, CTRLS);
  ck_assert_int_eq(more_att(rig_find(r, 1), r->ctrl[0]), NVMENS_ATT_ATTACHED);
  ck_assert_uint_eq(rig_info(r->ctrl[0]).parked, 1);
  ck_assert_uint_eq(more_next(r), UINT64_MAX);
  nvmens_identify_ctrl(r->ctrl[0]->c, page);
  ck_assert_int_eq(nvmens_subsys_check(r->s, NULL), 0);
  ck_assert_uint_eq(nvmens_admin_data_len(sqe), NVMENS_PAGE);
}

static void names(rig *r)
{
  (void)r;
  ck_assert_ptr_nonnull(nvmens_strerror(NVMENS_ERR_NOMEM));
  ck_assert_ptr_nonnull(nvmens_machine_name(0));
  ck_assert_ptr_nonnull(nvmens_state_name(0, 0));
  ck_assert_ptr_nonnull(nvmens_event_name(0, 0));
}

/* ---- the table ---- */

static const struct row {
  void (*run)(rig *);
  const char *functions; /* those that are called by it */
} rows[] = {
    {resize, "nvmens_ns_update_sized"},
    {detach, "nvmens_ns_detach"},
    {unplug, "nvmens_ns_unplug nvmens_poll nvmens_done"},
    {unplug_surprise, "nvmens_io_end_remote nvmens_gate_ended_"},
    {post, "nvmens_event_post nvmens_log_latch nvmens_log_was_read"},
    {park, "nvmens_aer nvmens_aec nvmens_aer_abort"},
    {life, "nvmens_ctrl_enable nvmens_ctrl_reset nvmens_ctrl_shutdown nvmens_ctrl_del "
           "nvmens_lane_del"},
    {admin, "nvmens_admin"},
    {begin, "nvmens_io_begin_next nvmens_gate_begin_"},
    {query, "nvmens_ns_find nvmens_ns_next nvmens_ns_query_sized nvmens_att_query_sized "
            "nvmens_ctrl_query_sized nvmens_next_deadline nvmens_identify_ctrl "
            "nvmens_subsys_check nvmens_admin_data_len"},
    {names, "nvmens_strerror nvmens_machine_name nvmens_state_name nvmens_event_name"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void no_more_memory(rig *r)
{
  r->failed = 0;
  r->fail_all = 1;
  r->fail_alloc = 1;
}

/* And nvmens_subsys_del ends in rig_end. */
START_TEST(P2_a_row_takes_no_memory)
{
  rig *r = world();

  no_more_memory(r);
  rows[_i].run(r);
  ck_assert_uint_eq(r->failed, 0);
  rig_end(r);
}
END_TEST

/* The functions of a header, by NVMENS_API. */
static unsigned every_function_of(const char *header)
{
  const char *top = getenv("srcdir");
  char path[1024], line[512];
  unsigned found = 0;
  FILE *file;

  snprintf(path, sizeof(path), "%s/include/nvmens/%s", top ? top : ".", header);
  file = fopen(path, "r");
  ck_assert_msg(file != NULL, "%s", path);
  while (fgets(line, sizeof(line), file)) {
    char *name = strncmp(line, "NVMENS_API ", 11) == 0 ? strchr(line, '(') : NULL;
    unsigned in = 0;

    if (!name)
      continue;
    for (*name = '\0'; name > line && name[-1] != ' ' && name[-1] != '*'; name--)
      continue;
    for (unsigned i = 0; i < ROWS; i++)
      in += faults_named(rows[i].functions, name) != 0;
    ck_assert_msg(in || faults_named(FAULTS_ALLOCATE " nvmens_subsys_del", name),
                  "%s: may it allocate? It is in no row", name);
    found++;
  }
  fclose(file);
  return found;
}

START_TEST(P2_every_function_has_a_row)
{
  unsigned found = every_function_of("nvmens.h");

  found += every_function_of("gate.h");
  found += every_function_of("query.h");
  ck_assert_uint_ge(found, 42);
}
END_TEST

/* ---- what has its own answer ---- */

START_TEST(R20_an_attach_without_memory_keeps_what_was_applied)
{
  static const char *const prefix[] = {"0:", "1: 0", "2: 0 1", "3: 0 1 2", "4: 0 1 2 3"};
  int failed = 1;

  for (unsigned n = 1; failed; n++) {
    rig *r = world();
    unsigned attached;
    rig_cmd *cmd;

    r->failed = 0;
    r->fail_alloc = n;
    cmd = MORE_ATTACH(r->ctrl[0], 2, 0, 1, 2, 3);
    r->fail_alloc = 0;
    failed = r->failed != 0;
    attached = more_ns(rig_find(r, 2)).attached;
    RIG_FAILS(cmd, failed ? SF06 : 0);
    ck_assert_int_eq(failed, attached != 4);
    ck_assert_str_eq(more_ctrls(r->ctrl[0], NVMENS_CNS_NS_CTRL_LIST, 2, 0), prefix[attached]);
    ck_assert_str_eq(rig_changed(r->ctrl[3], RIG_LID4, RIG_PEEK), attached == 4 ? "2" : "");
    rig_end(r);
  }
}
END_TEST

START_TEST(S24_an_object_comes_back_when_there_is_no_memory_for_it)
{
  rig *r = world();
  rig_ns *ns;
  rig_cmd *cmd;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(r->ctrl[0], 100, 1);
  no_more_memory(r);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  r->fail_alloc = 0;
  RIG_FAILS(cmd, SF06);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  rig_end(r);
}
END_TEST

/* ---- a controller that was not made was never there ---- */

static rig *one_namespace(void)
{
  rig *r = rig_new(NULL);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1}); /* private */
  return r;
}

/* A host that had a disk of NSID 1, and has no controller now. */
static rig *remembered(void)
{
  rig *r = rig_new(&(nvmens_subsys_config){.max_ctrls = 1, .host_memory_ns = 10ull * RIG_SEC});
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_ctrl *c = more_ctrl_of(r, 1);

  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_ctrl_del(c);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_ns_auto(r, 2);
  rig_pass(r, 1);
  rig_pass(r, 9ull * RIG_SEC);
  return r;
}

static unsigned allocs_of(rig *(*made)(void), const nvmens_ctrl_config *config)
{
  rig *r = made();
  const unsigned before = r->allocs;
  unsigned allocs;

  rig_ctrl_new(r, config);
  allocs = r->allocs - before;
  rig_end(r);
  ck_assert_uint_ge(allocs, 5);
  return allocs;
}

/* A world in which nvmens_ctrl_new failed, at its nth allocation. */
static rig *unmade(rig *(*made)(void), const nvmens_ctrl_config *config, unsigned n)
{
  rig *r = made();

  r->fail_alloc = n;
  ck_assert_int_eq(rig_ctrl_try(r, config, NULL), NVMENS_ERR_NOMEM);
  return r;
}

START_TEST(R68_its_cntlid_was_nobodys)
{
  static const nvmens_ctrl_config config = {.hostid = {1}};

  for (unsigned n = allocs_of(one_namespace, &config); n; n--) {
    rig *r = unmade(one_namespace, &config, n);

    ck_assert_uint_eq(rig_cntlid(more_ctrl_of(r, 2)), 0);
    rig_end(r);
  }
}
END_TEST

START_TEST(R56_it_has_no_private_namespace)
{
  static const nvmens_ctrl_config configs[] = {{.cntlid = 5, .cntlid_given = 1},
                                               {.cntlid = 5, .cntlid_given = 1, .hostid = {1}}};

  for (unsigned i = 0; i < 2; i++)
    for (unsigned n = allocs_of(one_namespace, &configs[i]); n; n--) {
      rig *r = unmade(one_namespace, &configs[i], n);

      ck_assert_int_eq(more_att(rig_find(r, 1), more_ctrl_of(r, 2)), NVMENS_ATT_ATTACHED);
      rig_end(r);
    }
}
END_TEST

START_TEST(R67_no_other_host_is_forgotten_for_it)
{
  static const nvmens_ctrl_config config = {.hostid = {2}};

  for (unsigned n = allocs_of(remembered, &config); n; n--) {
    rig *r = unmade(remembered, &config, n);

    ck_assert_int_eq(more_att(rig_ns_auto(r, 1), more_ctrl_of(r, 1)), NVMENS_ATT_FENCED);
    rig_end(r);
  }
}
END_TEST

START_TEST(R67_no_time_begins_anew_for_it)
{
  static const nvmens_ctrl_config config = {.hostid = {1}};

  for (unsigned n = allocs_of(remembered, &config); n; n--) {
    rig *r = unmade(remembered, &config, n);

    rig_pass(r, 1ull * RIG_SEC);
    ck_assert_uint_eq(rig_ns_loose(r, 0)->ref.nsid, 1); /* R69 */
    rig_end(r);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("nomem");
  TCase *tcase = tcase_create("nomem");

  tcase_set_timeout(tcase, 60); /* sanitizers are slow */
  tcase_add_loop_test(tcase, P2_a_row_takes_no_memory, 0, ROWS);
  tcase_add_test(tcase, P2_every_function_has_a_row);
  tcase_add_test(tcase, R20_an_attach_without_memory_keeps_what_was_applied);
  tcase_add_test(tcase, S24_an_object_comes_back_when_there_is_no_memory_for_it);
  tcase_add_test(tcase, R68_its_cntlid_was_nobodys);
  tcase_add_test(tcase, R56_it_has_no_private_namespace);
  tcase_add_test(tcase, R67_no_other_host_is_forgotten_for_it);
  tcase_add_test(tcase, R67_no_time_begins_anew_for_it);
  suite_add_tcase(suite, tcase);
  return rig_main(suite);
}
