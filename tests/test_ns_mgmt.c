/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ns_mgmt.c: Namespace Management (R7-R9, R11-R16, R55). How create asks the backend is in
 * test_ns_prepare.c.
 */
#include "rig_more.h"

static uint8_t page[NVMENS_PAGE];
#define ID_NS ((const nvmens_id_ns *)page)

static rig_cmd *management(rig_ctrl *c, uint32_t cdw10, uint32_t nsid)
{
  return rig_admin(c, .opcode = NVMENS_OP_NS_MANAGEMENT, .nsid = nsid, .cdw10 = cdw10, .data = page,
                   .size = sizeof(page));
}

/* ---- which operation ---- */

START_TEST(R7_a_reserved_select_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  for (uint32_t sel = 2; sel < 16; sel++)
    RIG_FAILS(management(c, sel, 1), DNR02);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(R7_the_select_has_four_bits)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  RIG_OK(management(c, 0xFFFFFFF0 | NVMENS_NS_MGMT_DELETE, 1));
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R7_without_a_prepare_hook_the_opcodes_are_invalid)
{
  rig *r = rig_new_without(NULL, RIG_NO_PREPARE);
  rig_ctrl *c = rig_ctrl_on(r);
  const uint16_t sf = RIG_DNR(NVMENS_SC_INVALID_OPCODE);

  rig_ns_loose(r, 1);
  RIG_FAILS(management(c, NVMENS_NS_MGMT_CREATE, 0), sf);
  RIG_FAILS(management(c, NVMENS_NS_MGMT_DELETE, 1), sf);
  RIG_FAILS(management(c, 9, 1), sf); /* R23: opcode before SEL */
  RIG_FAILS(MORE_ATTACH(c, 1, 0), sf);
  RIG_FAILS(MORE_DETACH(c, 1, 0), sf);
  rig_end(r);
}
END_TEST

/* ---- create ---- */

START_TEST(R8_create_returns_a_free_nsid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd;

  rig_ns_loose(r, 1);
  cmd = RIG_OK(rig_host_create(c, 100, 1));
  ck_assert_uint_ne(cmd->dw0, 0);
  ck_assert_uint_ne(cmd->dw0, 1);
  ck_assert_uint_le(cmd->dw0, 1024);
  ck_assert_ptr_nonnull(rig_find(r, cmd->dw0));
  rig_end(r);
}
END_TEST

START_TEST(R8_a_new_namespace_is_allocated_and_unattached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 100, 1))->dw0, 1);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R8_a_created_namespace_is_not_auto_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r), *later;

  RIG_OK(rig_host_create(c, 100, 1));
  later = rig_ctrl_on(r);
  ck_assert_str_eq(rig_ids(later, NVMENS_CNS_ACTIVE_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R16_create_is_not_idempotent)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  const uint32_t first = RIG_OK(rig_host_create(c, 100, 1))->dw0;

  ck_assert_uint_ne(RIG_OK(rig_host_create(c, 100, 1))->dw0, first);
  rig_end(r);
}
END_TEST

static const nvmens_subsys_config two_formats = {
    .nn = 64, .lbaf = {{.lbads = 9}, {.lbads = 12}}, .nlbaf = 2};

START_TEST(R9_create_takes_its_fields)
{
  rig *r = rig_new(&two_formats);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = MORE_CREATE(c, .nsze = 0x123456789A, .ncap = 0x123456789A, .flbas = 1,
                             .nmic = NVMENS_NMIC_SHARED);

  RIG_OK(cmd);
  more_page(c, NVMENS_CNS_ALLOCATED_NS, cmd->dw0, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x123456789A);
  ck_assert_uint_eq(nvmens_get64(ID_NS->ncap), 0x123456789A);
  ck_assert_uint_eq(ID_NS->flbas & 0xF, 1);
  ck_assert_uint_eq(ID_NS->nmic & NVMENS_NMIC_SHARED, 1);
  rig_end(r);
}
END_TEST

START_TEST(R9_nmic_0_makes_a_private_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_host_create(c, 100, 0));
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  ck_assert_uint_eq(ID_NS->nmic, 0);
  rig_end(r);
}
END_TEST

START_TEST(R9_create_ignores_every_other_byte)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(MORE_CREATE(c, .nsze = 8, .ncap = 8, .fill = 0xFF));
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 8);
  ck_assert(more_zero(ID_NS->nguid, 0, 16));
  ck_assert(more_zero(ID_NS->eui64, 0, 8));
  rig_end(r);
}
END_TEST

START_TEST(R13_a_format_that_is_not_there_fails)
{
  rig *r = rig_new(&two_formats);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t bad[] = {2, 15, 1 << 5, 2 << 5, 3 << 5, 1 << 5 | 1};

  for (size_t i = 0; i < sizeof(bad); i++)
    RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 8, .flbas = bad[i]),
              RIG_DNR(NVMENS_SC_INVALID_FORMAT));
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R13_protection_needs_metadata)
{
  rig *r = rig_new(&two_formats);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 8, .dps = 1), RIG_DNR(NVMENS_SC_INVALID_FORMAT));
  rig_end(r);
}
END_TEST

START_TEST(R11_an_ana_group_needs_ana)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 8, .anagrpid = 1),
            RIG_DNR(NVMENS_SC_ANA_GROUP_INVALID));
  rig_end(r);
}
END_TEST

START_TEST(R12_ncap_above_nsze_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 9), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R12_ncap_below_nsze_is_thin_provisioning)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 7), RIG_DNR(NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED));
  rig_end(r);
}
END_TEST

START_TEST(R12_nsze_0_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(MORE_CREATE(c, .nsze = 0, .ncap = 0), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R12_out_of_capacity_tells_the_bytes_needed)
{
  rig *r = rig_new(&(nvmens_subsys_config){
      .tnvmcap = {8 * 4096, 0}, .lbaf = {{.lbads = 9}, {.lbads = 12}}, .nlbaf = 2});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd = MORE_CREATE(c, .nsze = 9, .ncap = 9, .flbas = 1);

  RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY));
  ck_assert_uint_eq(cmd->error_info, 9 * 4096);
  ck_assert_uint_eq(cmd->dw0, 0);
  RIG_OK(MORE_CREATE(c, .nsze = 8, .ncap = 8, .flbas = 1));
  rig_end(r);
}
END_TEST

START_TEST(R13_no_nsid_left_fails)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2});
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 1);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 2);
  r->log_mask = RIG_BIT(RIG_PREPARE);
  rig_log_clear(r);
  RIG_FAILS(rig_host_create(c, 8, 1), RIG_DNR(NVMENS_SC_NS_ID_UNAVAILABLE));
  ck_assert_str_eq(rig_log(r), ""); /* the backend was not troubled */
  RIG_OK(rig_host_delete(c, 1));
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 1);
  rig_end(r);
}
END_TEST

START_TEST(R4_mnan_bounds_the_count)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 100, .mnan = 2});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 100); /* values are bound by NN */
  RIG_OK(rig_host_create(c, 8, 1));
  RIG_FAILS(rig_host_create(c, 8, 1), RIG_DNR(NVMENS_SC_NS_ID_UNAVAILABLE));
  rig_end(r);
}
END_TEST

START_TEST(R13_an_unsupported_command_set_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t bad[] = {NVMENS_CSI_KV, NVMENS_CSI_ZNS, 31, 32, 0xFF};

  for (size_t i = 0; i < sizeof(bad); i++)
    RIG_FAILS(MORE_CREATE(c, .nsze = 8, .ncap = 8, .csi = bad[i]),
              RIG_DNR(NVMENS_SC_COMMAND_SET_UNSUPPORTED));
  rig_end(r);
}
END_TEST

/* ---- delete ---- */

START_TEST(R14_delete_works_on_an_allocated_nsid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *loose = rig_ns_loose(r, 1), *on = rig_ns_auto(r, 2);

  RIG_OK(rig_host_delete(c, 1));
  RIG_OK(rig_host_delete(c, 2));
  ck_assert_int_eq(loose->reason, NVMENS_HOST_DELETED);
  ck_assert_int_eq(on->reason, NVMENS_HOST_DELETED);
  ck_assert_int_eq(loose->released && on->released, 1);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R14_delete_of_an_unallocated_nsid_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_host_delete(c, 1), DNR02);
  rig_ns_loose(r, 1);
  RIG_OK(rig_host_delete(c, 1));
  RIG_FAILS(rig_host_delete(c, 1), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R14_delete_of_an_invalid_nsid_fails)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 8});
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_host_delete(c, 0), DNR0B);
  RIG_FAILS(rig_host_delete(c, 8), DNR02); /* NN is valid */
  RIG_FAILS(rig_host_delete(c, 9), DNR0B);
  RIG_FAILS(rig_host_delete(c, 0xFFFFFFFE), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R14_delete_all_deletes_all)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *a = rig_ns_loose(r, 1), *b = rig_ns_auto(r, 7);

  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL));
  ck_assert_int_eq(a->released && b->released, 1);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R14_delete_all_of_none_succeeds)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL));
  rig_end(r);
}
END_TEST

START_TEST(R14_delete_all_waits_for_each)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *a = more_pending(r, c, 1), *b = more_pending(r, c, 2);
  rig_cmd *cmd = rig_host_delete(c, NVMENS_NSID_ALL);

  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  ck_assert_int_eq(rig_drained(b, c), 0);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(a, c), 0);
  RIG_OK(cmd);
  rig_end(r);
}
END_TEST

START_TEST(R15_delete_detaches_everywhere_first)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_log_clear(r);
  RIG_OK(rig_host_delete(a, 1));
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), 2);
  ck_assert_int_eq(ns->released, 1); /* the rig asserts: detached before */
  ck_assert_str_eq(rig_ids(b, NVMENS_CNS_ACTIVE_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R15_delete_completes_when_the_last_command_is_back)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  rig_poll(r);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_poll(r);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(R15_the_nsid_is_taken_until_the_last_command_is_back)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  rig_host_delete(c, 1);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 2);
  RIG_FAILS(rig_host_create(c, 8, 1), RIG_DNR(NVMENS_SC_NS_ID_UNAVAILABLE));
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 1);
  rig_end(r);
}
END_TEST

START_TEST(R15_delete_of_a_deleting_namespace_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  more_pending(r, c, 1);
  ck_assert(rig_is_open(rig_host_delete(c, 1)));
  RIG_FAILS(rig_host_delete(c, 1), DNR02);
  RIG_OK(rig_host_delete(c, NVMENS_NSID_ALL)); /* there is none left */
  rig_end(r);
}
END_TEST

START_TEST(R15_delete_completes_at_its_deadline)
{
  rig *r = rig_new(&(nvmens_subsys_config){.deadline_ns = 3 * (uint64_t)RIG_SEC});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  rig_pass(r, 3 * (uint64_t)RIG_SEC - 1);
  ck_assert(rig_is_open(cmd));
  rig_pass(r, 1);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 0); /* the NSID stays reserved */
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1}, NULL), NVMENS_ERR_BUSY);
  rig_end(r);
}
END_TEST

START_TEST(R55_a_write_protected_namespace_is_not_deleted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .write_protected = 1});
  RIG_FAILS(rig_host_delete(c, 1), RIG_DNR(NVMENS_SC_NS_WRITE_PROTECTED));
  RIG_FAILS(rig_host_delete(c, NVMENS_NSID_ALL), RIG_DNR(NVMENS_SC_NS_WRITE_PROTECTED));
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R7_a_reserved_select_fails,
      R7_the_select_has_four_bits,
      R7_without_a_prepare_hook_the_opcodes_are_invalid,
      R8_create_returns_a_free_nsid,
      R8_a_new_namespace_is_allocated_and_unattached,
      R8_a_created_namespace_is_not_auto_attached,
      R16_create_is_not_idempotent,
      R9_create_takes_its_fields,
      R9_nmic_0_makes_a_private_namespace,
      R9_create_ignores_every_other_byte,
      R13_a_format_that_is_not_there_fails,
      R13_protection_needs_metadata,
      R11_an_ana_group_needs_ana,
      R12_ncap_above_nsze_fails,
      R12_ncap_below_nsze_is_thin_provisioning,
      R12_nsze_0_fails,
      R12_out_of_capacity_tells_the_bytes_needed,
      R13_no_nsid_left_fails,
      R4_mnan_bounds_the_count,
      R13_an_unsupported_command_set_fails,
      R14_delete_works_on_an_allocated_nsid,
      R14_delete_of_an_unallocated_nsid_fails,
      R14_delete_of_an_invalid_nsid_fails,
      R14_delete_all_deletes_all,
      R14_delete_all_of_none_succeeds,
      R14_delete_all_waits_for_each,
      R15_delete_detaches_everywhere_first,
      R15_delete_completes_when_the_last_command_is_back,
      R15_the_nsid_is_taken_until_the_last_command_is_back,
      R15_delete_of_a_deleting_namespace_fails,
      R15_delete_completes_at_its_deadline,
      R55_a_write_protected_namespace_is_not_deleted,
  };

  return MORE_RUN("ns_mgmt", tests);
}
