/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_refusals.c: each condition by which a call of the backend's is refused, alone (beside
 * test_config.c): NULL, out of range, one bit too many, objects that are going.
 */
#include "rig_more.h"

static int refused(nvmens_subsys_config config)
{
  return rig_try(&config, 0) == NVMENS_ERR_INVAL;
}
#define REFUSED(...) ck_assert(refused((nvmens_subsys_config){__VA_ARGS__}))

START_TEST(R1_each_field_of_a_subsystem_has_its_range)
{
  REFUSED(.nn = NVMENS_NSID_ALL);
  REFUSED(.nn = 4, .mnan = 5);
  REFUSED(.max_ctrls = 0xFFF1);
  REFUSED(.aerl_is_zero = 2);
  REFUSED(.mask_scope = 2);
  REFUSED(.inactive_io = 2);
  REFUSED(.aec_supported = NVMENS_AEC_ATTACHED_NS, .aec_default = NVMENS_AEC_ALLOCATED_NS);
  REFUSED(.deadline_ns = UINT64_MAX);
  REFUSED(.gate_mode = 2);
  REFUSED(.nlbaf = 17);
}
END_TEST

/* ---- hooks and memory ---- */

static void complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                     uint64_t error_info)
{
  (void)ctrl_user, (void)cmd, (void)status, (void)dw0, (void)error_info;
}

static void drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user, (void)cmd;
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  (void)ctrl_user, (void)cmd, (void)buf, (void)len, (void)dir;
  return (nvmens_status){0};
}

static void nothing(void *user)
{
  (void)user;
}

static void *alloc(void *user, size_t size)
{
  (void)user;
  return malloc(size);
}

static void release(void *user, void *block)
{
  (void)user;
  free(block);
}

static const nvmens_host least = {.cmd_complete = complete, .cmd_drop = drop, .transfer = transfer};

static int new_with(const nvmens_host *host, const nvmens_mem *mem)
{
  nvmens_subsys *s = NULL;
  int rc = nvmens_subsys_new(&s, NULL, host, mem, NULL);

  ck_assert_int_eq(nvmens_subsys_del(s), 0);
  return rc;
}

START_TEST(T2_lock_and_unlock_are_both_or_neither)
{
  nvmens_host host = least;

  host.lock = nothing;
  ck_assert_int_eq(new_with(&host, NULL), NVMENS_ERR_INVAL);
  host.unlock = nothing;
  ck_assert_int_eq(new_with(&host, NULL), 0);
  host.lock = NULL;
  ck_assert_int_eq(new_with(&host, NULL), NVMENS_ERR_INVAL);
}
END_TEST

START_TEST(an_allocator_takes_and_gives)
{
  ck_assert_int_eq(new_with(&least, &(nvmens_mem){NULL, alloc, NULL}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(new_with(&least, &(nvmens_mem){NULL, NULL, release}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(new_with(&least, &(nvmens_mem){NULL, alloc, release}), 0);
}
END_TEST

/* A newer caller's struct, with something in it that this library does not know. */
#define LONGER(type)                                                                               \
  struct {                                                                                         \
    type own;                                                                                      \
    char more;                                                                                     \
  }

START_TEST(what_is_not_known_is_refused_in_every_structure)
{
  const nvmens_mem mem = {NULL, alloc, release};
  const LONGER(nvmens_host) host = {least, 1};
  const LONGER(nvmens_mem) longer_mem = {mem, 1};
  const LONGER(nvmens_ns_config) ns = {{.nsze = 1, .ident = {.uuid = {1}}}, 1};
  const LONGER(nvmens_ns_attrs) attrs = {{.set = NVMENS_SET_SIZE, .nsze = 1}, 1};
  rig *r = rig_new(NULL);
  nvmens_subsys *s;
  nvmens_nsref ref = rig_ns_loose(r, 1)->ref;

  ck_assert_int_eq(
      nvmens_subsys_new_sized(&s, NULL, 0, &host.own, sizeof(host), &mem, sizeof(mem), NULL),
      NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_subsys_new_sized(&s, NULL, 0, &least, sizeof(least), &longer_mem.own,
                                           sizeof(longer_mem), NULL),
                   NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_new(r->s, &ns.own, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_new_sized(r->s, &ns.own, sizeof(ns), NULL, &ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_update_sized(r->s, ref, &attrs.own, sizeof(attrs)), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

/* ---- NULL ---- */

START_TEST(null_is_refused_by_the_hosts_commands)
{
  const uint8_t sqe[64] = {NVMENS_OP_ASYNC_EVENT_REQUEST};
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_cmd cmd;
  uint8_t page[NVMENS_PAGE] = {0};

  ck_assert_uint_eq(nvmens_aer(NULL, &cmd, 1).sf, SF06);
  ck_assert_uint_eq(nvmens_aer(c->c, NULL, 1).sf, SF06);
  ck_assert_int_eq(nvmens_admin(NULL, &cmd, sqe, 0), NVMENS_NOT_MINE);
  ck_assert_int_eq(nvmens_admin(c->c, NULL, sqe, 0), NVMENS_NOT_MINE);
  ck_assert_int_eq(nvmens_admin(c->c, &cmd, NULL, 0), NVMENS_NOT_MINE);
  nvmens_identify_ctrl(NULL, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  nvmens_identify_ctrl(c->c, NULL);
  ck_assert_uint_eq(nvmens_aec(NULL), 0);
  ck_assert_uint_eq(nvmens_log_latch(NULL, NVMENS_LID_SMART), 0);
  nvmens_log_was_read(NULL, NVMENS_LID_SMART, 0);
  nvmens_ctrl_reset(NULL);
  nvmens_ctrl_shutdown(NULL);
  nvmens_ctrl_del(NULL);
  ck_assert_uint_eq(nvmens_next_deadline(NULL), UINT64_MAX);
  rig_end(r);
}
END_TEST

START_TEST(null_is_refused_by_queries)
{
  rig *r = rig_new(NULL), *other = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *far = rig_ctrl_on(other);
  const nvmens_nsref ref = rig_ns_loose(r, 1)->ref;
  nvmens_ctrl_info ctrl;
  nvmens_att_info att;
  nvmens_ns_info ns;
  nvmens_nsref out;

  ck_assert_int_eq(nvmens_ctrl_query(NULL, &ctrl), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_query(c->c, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_query(NULL, ref, &ns), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_query(r->s, ref, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_att_query(NULL, ref, c->c, &att), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_att_query(r->s, ref, NULL, &att), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_att_query(r->s, ref, c->c, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_att_query(r->s, ref, far->c, &att), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_find(NULL, 1, &out), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_find(r->s, 1, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_next(NULL, 0, &out), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_next(r->s, 0, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_detach(NULL, ref, c->c, NVMENS_ORDERLY, 0, RIG_NEVER),
                   NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_detach(r->s, ref, NULL, NVMENS_ORDERLY, 0, RIG_NEVER),
                   NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_detach(r->s, ref, far->c, NVMENS_ORDERLY, 0, RIG_NEVER),
                   NVMENS_ERR_INVAL);
  ck_assert_ptr_null(nvmens_machine_name(99));
  ck_assert_ptr_null(nvmens_state_name(99, 0));
  ck_assert_ptr_null(nvmens_state_name(0, 99));
  ck_assert_ptr_null(nvmens_event_name(99, 0));
  ck_assert_ptr_null(nvmens_event_name(0, 99));
  rig_end(r);
  rig_end(other);
}
END_TEST

/* ---- values ---- */

START_TEST(R38_the_librarys_own_events_are_not_posted_by_others)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x00, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x09, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x01, RIG_LID4, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x01, RIG_LID1C, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, 5, 0, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x01, 0x03, 0), 0);
  rig_end(r);
}
END_TEST

/* What is read of our logs is known here: the backend cannot take their events away. */
START_TEST(R29_only_get_log_page_reads_the_changed_lists)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_info(c).owed, 2);
  nvmens_log_was_read(c->c, RIG_LID4, nvmens_log_latch(c->c, RIG_LID4));
  nvmens_log_was_read(c->c, RIG_LID1C, nvmens_log_latch(c->c, RIG_LID1C));
  ck_assert_uint_eq(rig_info(c).owed, 2);
  rig_end(r);
}
END_TEST

START_TEST(R45_a_log_page_has_no_index)
{
  rig *r = rig_new(NULL);
  uint8_t page[NVMENS_PAGE];

  RIG_FAILS(rig_admin(rig_ctrl_on(r), .opcode = NVMENS_OP_GET_LOG_PAGE,
                      .cdw10 = RIG_LID4 | 0x3FFu << 16, .cdw14 = 1u << 23, .data = page,
                      .size = sizeof(page)),
            DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R22_enable_wants_a_command_set_that_is_there)
{
  rig *r = rig_new(NULL), *kv = rig_new(&(nvmens_subsys_config){.csi_supported = 2});
  rig_ctrl *c = rig_ctrl_new(r, NULL), *d = rig_ctrl_new(kv, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(NULL, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, 1u << NVMENS_CC_CSS_SHIFT), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_enable(d->c, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_enable(d->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ADMIN_ONLY << NVMENS_CC_CSS_SHIFT), 0);
  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 1), c), NVMENS_ERR_COMMAND_SET);
  rig_end(r);
  rig_end(kv);
}
END_TEST

START_TEST(update_wants_a_size_that_fits)
{
  rig *r = rig_new(NULL);
  rig_ns *ns = rig_ns_loose(r, 1);
  nvmens_ns_attrs attrs = {.set = NVMENS_SET_SIZE, .nsze = 0};

  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_INVAL);
  attrs.nsze = 4, attrs.ncap = 5;
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_INVAL);
  attrs.ncap = 4;
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), 0);
  attrs.ncap = 3;
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), 0);
  ck_assert_uint_eq(more_ns(ns).ncap, 3);
  attrs.set = 0;
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_INVAL);
  attrs.set = 0x10;
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_INVAL);
  attrs = (nvmens_ns_attrs){.set = NVMENS_SET_FORMAT, .flbas = 1};
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_INVAL);
  attrs.set = NVMENS_SET_WRITE_PROTECT;
  ck_assert_int_eq(nvmens_ns_update(NULL, ns->ref, &attrs), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, NULL), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

/* ---- objects that are going ---- */

START_TEST(P11_a_controller_that_goes_gets_nothing_more)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 5});
  rig_ctrl *c = rig_ctrl_on(r), *other = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1), *loose = rig_ns_loose(r, 2);
  nvmens_ctrl *going = c->c;
  uint8_t page[NVMENS_PAGE];
  nvmens_lane *lane;

  nvmens_ctrl_del(going); /* waits for the drain */
  ck_assert_int_eq(nvmens_ns_attach(r->s, loose->ref, going), NVMENS_ERR_BUSY);
  ck_assert_int_eq(nvmens_lane_new(&lane, going), NVMENS_ERR_BUSY);
  ck_assert_int_eq(nvmens_ctrl_enable(going, 0), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  RIG_FAILS(MORE_ATTACH(other, 2, 0), RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST));
  RIG_FAILS(rig_identify_full(other, NVMENS_CNS_COMMAND_SETS, 0, 0, 0, page), DNR02);
  RIG_OK(rig_identify_full(other, NVMENS_CNS_COMMAND_SETS, 0, 1, 0, page));
  ck_assert_uint_eq(page[0], 5);
  ck_assert_int_eq(rig_plug(loose), 0);                            /* passes it by */
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 3, .auto_attach = 1}); /* and the lowest is the other */
  ck_assert_str_eq(more_ctrls(other, NVMENS_CNS_NS_CTRL_LIST, 3, 0), "1: 1");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(c->released, 1);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("refusals", R1_each_field_of_a_subsystem_has_its_range,
                 T2_lock_and_unlock_are_both_or_neither, an_allocator_takes_and_gives,
                 what_is_not_known_is_refused_in_every_structure,
                 null_is_refused_by_the_hosts_commands, null_is_refused_by_queries,
                 R38_the_librarys_own_events_are_not_posted_by_others,
                 R29_only_get_log_page_reads_the_changed_lists, R45_a_log_page_has_no_index,
                 R22_enable_wants_a_command_set_that_is_there, update_wants_a_size_that_fits,
                 P11_a_controller_that_goes_gets_nothing_more);
}
