/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ns_prepare.c: how create and attach ask the backend first (R5, R9, R15, R16, C17, T7).
 */
#include "rig_more.h"

static const nvmens_status ok;

static rig *pending(const nvmens_subsys_config *config)
{
  rig *r = rig_new(config);

  r->prepare = RIG_PREPARE_PENDING;
  return r;
}

static const char *allocated(rig_ctrl *c)
{
  return rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST);
}

/* ---- create ---- */

START_TEST(R9_prepare_is_told_what_is_to_be_created)
{
  rig *r =
      rig_new(&(nvmens_subsys_config){.lbaf = {{.lbads = 9}, {.lbads = 12, .ms = 8}}, .nlbaf = 2});
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(MORE_CREATE(c, .nsze = 0x1122334455, .ncap = 0x1122334455, .flbas = 1, .nmic = 1,
                     .nvmsetid = 3, .endgid = 4, .lbstm = 0xA1A2A3A4A5A6A7A8));
  ck_assert_uint_eq(r->intent.create, 1);
  ck_assert_uint_eq(r->intent.csi, NVMENS_CSI_NVM);
  ck_assert_uint_eq(r->intent.nsze, 0x1122334455);
  ck_assert_uint_eq(r->intent.ncap, 0x1122334455);
  ck_assert_uint_eq(r->intent.flbas, 1);
  ck_assert_uint_eq(r->intent.lbads, 12);
  ck_assert_uint_eq(r->intent.ms, 8);
  ck_assert_uint_eq(r->intent.nmic & 1, 1);
  ck_assert_uint_eq(r->intent.nvmsetid, 3);
  ck_assert_uint_eq(r->intent.endgid, 4);
  ck_assert_uint_eq(r->intent.lbstm, 0xA1A2A3A4A5A6A7A8);
  ck_assert_uint_eq(r->intent.nsid, 0);
  rig_end(r);
}
END_TEST

START_TEST(R16_prepare_is_asked_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->log_mask = RIG_BIT(RIG_PREPARE);
  RIG_OK(rig_host_create(c, 8, 1));
  ck_assert_uint_eq(rig_count(r, RIG_PREPARE), 1);
  rig_end(r);
}
END_TEST

START_TEST(R13_prepare_is_not_asked_for_what_fails_anyway)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 1, .tnvmcap = {4096, 0}});
  rig_ctrl *c = rig_ctrl_on(r);

  r->log_mask = RIG_BIT(RIG_PREPARE);
  RIG_FAILS(MORE_CREATE(c, .nsze = 0), DNR02);
  RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 8, .flbas = 3), RIG_DNR(NVMENS_SC_INVALID_FORMAT));
  RIG_FAILS(MORE_CREATE(c, .nsze = 9, .ncap = 9), RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  ck_assert_uint_eq(rig_count(r, RIG_PREPARE), 0);
  rig_end(r);
}
END_TEST

START_TEST(R7_a_transfer_that_fails_creates_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->fail_transfer = 1;
  RIG_FAILS(rig_host_create(c, 8, 1), RIG_DNR(NVMENS_SC_DATA_TRANSFER_ERROR));
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(R8_nothing_is_allocated_before_prepared)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns;

  ck_assert(rig_is_open(cmd));
  ck_assert_str_eq(allocated(c), "");
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_uint_eq(RIG_OK(cmd)->dw0, 1);
  ck_assert_str_eq(allocated(c), "1");
  ck_assert_ptr_eq(rig_find(r, 1), ns);
  rig_end(r);
}
END_TEST

START_TEST(R5_a_created_namespace_has_the_backends_identity)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns;

  RIG_OK(rig_host_create(c, 8, 1));
  ns = rig_find(r, 1);
  ck_assert_mem_eq(more_ns(ns).ident.uuid, ns->ident.uuid, 16);
  rig_end(r);
}
END_TEST

START_TEST(R13_the_status_of_prepared_ends_the_command)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);

  ck_assert_int_eq(rig_prepared(r, RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY), NULL), 0);
  RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(T7_prepared_counts_once)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *second;

  rig_host_create(c, 8, 1);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  ck_assert_int_eq(rig_prepared(r, 0, &second), NVMENS_ERR_STALE);
  ck_assert_int_eq(second->released, 0); /* it stays the caller's */
  ck_assert_str_eq(allocated(c), "1");
  rig_end(r);
}
END_TEST

START_TEST(T7_prepared_with_an_unknown_token_is_stale)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);

  ck_assert_int_eq(nvmens_prepared(r->s, r->prepare_token + 1, ok, NULL, NULL), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_prepared(r->s, 0, ok, NULL, NULL), NVMENS_ERR_STALE);
  ck_assert_int_eq(nvmens_done(r->s, r->prepare_token, ok), NVMENS_ERR_STALE);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  RIG_OK(cmd);
  rig_end(r);
}
END_TEST

/* An object for nvmens_prepared by hand; the rig frees it. */
static rig_ns *spare(rig *r)
{
  rig_ns *ns;

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 0xFFFFFFFF}, &ns), NVMENS_ERR_INVAL);
  ns = r->ns;
  ns->owned = 1;
  return ns;
}

START_TEST(R5_a_create_without_identity_fails)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns = spare(r);
  static const nvmens_ident zero;

  ck_assert_int_eq(nvmens_prepared(r->s, r->prepare_token, ok, NULL, ns), 0);
  RIG_FAILS(cmd, SF06);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  cmd = rig_host_create(c, 8, 1);
  ns = spare(r);
  ck_assert_int_eq(nvmens_prepared(r->s, r->prepare_token, ok, &zero, ns), 0);
  RIG_FAILS(cmd, SF06);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(C15_a_create_with_an_identity_in_use_fails)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *old = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns = spare(r);

  ck_assert_int_eq(nvmens_prepared(r->s, r->prepare_token, ok, &old->ident, ns), 0);
  RIG_FAILS(cmd, SF06);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  ck_assert_str_eq(allocated(c), "1");
  rig_end(r);
}
END_TEST

START_TEST(C17_a_create_ends_at_its_deadline)
{
  rig *r = pending(&(nvmens_subsys_config){.deadline_ns = RIG_SEC});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *late;
  int rc;

  ck_assert_uint_eq(more_next(r), r->now + RIG_SEC);
  rig_pass(r, RIG_SEC - 1);
  ck_assert(rig_is_open(cmd));
  rig_pass(r, 1);
  RIG_FAILS(cmd, SF06);
  ck_assert_uint_eq(more_next(r), UINT64_MAX);
  rc = rig_prepared(r, 0, &late); /* too late: refused, or given back */
  ck_assert(rc == NVMENS_ERR_STALE || late->reason == NVMENS_CREATE_FAILED);
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(C17_a_prepared_in_time_has_no_deadline_left)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_host_create(c, 8, 1);
  ck_assert_uint_eq(more_next(r), r->now + 10 * (uint64_t)RIG_SEC);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  ck_assert_uint_eq(more_next(r), UINT64_MAX);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_drops_a_create_and_gives_its_object_back)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns;

  rig_reenable(c);
  ck_assert_uint_eq(cmd->dropped, 1);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  ck_assert_str_eq(allocated(c), "");
  rig_end(r);
}
END_TEST

START_TEST(R13_nothing_is_reserved_while_prepare_runs)
{
  rig *r = pending(&(nvmens_subsys_config){.nn = 1});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns;

  rig_ns_loose(r, 1); /* the last NSID */
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_NS_ID_UNAVAILABLE));
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  rig_end(r);
}
END_TEST

START_TEST(R12_capacity_is_looked_at_again_after_prepare)
{
  rig *r = pending(&(nvmens_subsys_config){.tnvmcap = {8 * 512, 0}});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = rig_host_create(c, 8, 1);
  rig_ns *ns;

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = 1});
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  ck_assert_uint_eq(cmd->error_info, 8 * 512);
  ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  rig_end(r);
}
END_TEST

/* ---- attach ---- */

static uint16_t told[4];

static void look_at_list(rig *r, const rig_event *e)
{
  ck_assert_ptr_eq(e->ns, r->react_arg);
  ck_assert_uint_eq(r->intent.ncntlid, 2);
  memcpy(told, r->intent.cntlid, 2 * sizeof(told[0]));
}

START_TEST(R18_prepare_is_told_who_is_to_be_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ctrl_on(r);
  rig_ctrl_on(r);
  r->react_arg = rig_ns_loose(r, 5);
  r->react = look_at_list;
  r->react_on = RIG_BIT(RIG_PREPARE);
  r->prepare = RIG_PREPARE_DONE;
  RIG_OK(MORE_ATTACH(c, 5, 0, 2));
  ck_assert_uint_eq(r->intent.create, 0);
  ck_assert_uint_eq(r->intent.nsid, 5);
  ck_assert_ptr_eq(r->intent.ns_user, r->react_arg);
  ck_assert_uint_eq(told[0], 0);
  ck_assert_uint_eq(told[1], 2);
  rig_end(r);
}
END_TEST

START_TEST(R18_nothing_is_attached_before_prepared)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(rig_prepared(r, 0, NULL), 0);
  RIG_OK(cmd);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(R22_the_status_of_prepared_ends_an_attach)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  ck_assert_int_eq(rig_prepared(r, SF06, NULL), 0);
  RIG_FAILS(cmd, SF06);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(C17_an_attach_ends_at_its_deadline)
{
  rig *r = pending(&(nvmens_subsys_config){.deadline_ns = RIG_SEC});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  rig_pass(r, RIG_SEC);
  RIG_FAILS(cmd, SF06);
  (void)rig_prepared(r, 0, NULL);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(R19_a_namespace_that_went_during_prepare_is_not_attached)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_prepared(r, 0, NULL);
  RIG_FAILS(cmd, DNR02);
  rig_end(r);
}
END_TEST

START_TEST(P16_an_attach_does_not_hit_the_next_namespace_of_that_nsid)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1), *next;
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  next = rig_ns_loose(r, 1);
  rig_prepared(r, 0, NULL);
  ck_assert_uint_eq(cmd->done, 1);
  ck_assert_uint_ne(cmd->sf, 0);
  ck_assert_int_eq(more_att(next, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(R22_a_controller_that_went_during_prepare_is_unknown)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *gone = rig_ctrl_on(r);
  rig_cmd *cmd;

  rig_ns_loose(r, 1);
  cmd = rig_host_attach(c, 1, gone);
  rig_ctrl_del(gone);
  rig_prepared(r, 0, NULL);
  RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST));
  ck_assert_uint_eq(cmd->error_info, 2);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_reset_drops_an_attach)
{
  rig *r = pending(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd = rig_host_attach(c, 1, c);

  rig_reenable(c);
  ck_assert_uint_eq(cmd->dropped, 1);
  (void)rig_prepared(r, 0, NULL);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  ck_assert_uint_eq(more_next(r), UINT64_MAX);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R9_prepare_is_told_what_is_to_be_created,
      R16_prepare_is_asked_once,
      R13_prepare_is_not_asked_for_what_fails_anyway,
      R7_a_transfer_that_fails_creates_nothing,
      R8_nothing_is_allocated_before_prepared,
      R5_a_created_namespace_has_the_backends_identity,
      R13_the_status_of_prepared_ends_the_command,
      T7_prepared_counts_once,
      T7_prepared_with_an_unknown_token_is_stale,
      R5_a_create_without_identity_fails,
      C15_a_create_with_an_identity_in_use_fails,
      C17_a_create_ends_at_its_deadline,
      C17_a_prepared_in_time_has_no_deadline_left,
      R35_a_reset_drops_a_create_and_gives_its_object_back,
      R13_nothing_is_reserved_while_prepare_runs,
      R12_capacity_is_looked_at_again_after_prepare,
      R18_prepare_is_told_who_is_to_be_attached,
      R18_nothing_is_attached_before_prepared,
      R22_the_status_of_prepared_ends_an_attach,
      C17_an_attach_ends_at_its_deadline,
      R19_a_namespace_that_went_during_prepare_is_not_attached,
      P16_an_attach_does_not_hit_the_next_namespace_of_that_nsid,
      R22_a_controller_that_went_during_prepare_is_unknown,
      R35_a_reset_drops_an_attach,
  };

  return MORE_RUN("ns_prepare", tests);
}
