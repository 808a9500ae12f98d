/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ns_attach.c: Namespace Attachment by the host (R18-R25, P10, P12).
 */
#include "rig_more.h"

#define LIST_BAD     RIG_DNR(NVMENS_SC_INVALID_CTRL_LIST)
#define ATTACHED     RIG_DNR(NVMENS_SC_NS_ALREADY_ATTACHED)
#define PRIVATE      RIG_DNR(NVMENS_SC_NS_IS_PRIVATE)
#define NOT_ATTACHED RIG_DNR(NVMENS_SC_NS_NOT_ATTACHED)
#define LIMIT        RIG_DNR(NVMENS_SC_NS_ATTACH_LIMIT)
#define NOT_ENABLED  RIG_DNR(NVMENS_SC_COMMAND_SET_NOT_ENABLED)

/* Three enabled controllers, CNTLID 0, 1, 2. */
static rig *three(const nvmens_subsys_config *config)
{
  rig *r = rig_new(config);

  for (int i = 0; i < 3; i++)
    rig_ctrl_on(r);
  return r;
}

/* Who has it, by CNS 12h. */
static const char *who(rig *r, uint32_t nsid)
{
  return more_ctrls(r->ctrl[0], NVMENS_CNS_NS_CTRL_LIST, nsid, 0);
}

static rig_cmd *select_(rig *r, uint32_t sel, uint32_t nsid)
{
  static const uint16_t first;

  return rig_attachment(r->ctrl[0], sel, nsid, &first, 1);
}

/* ---- which operation, which namespace ---- */

START_TEST(R18_attach_and_detach)
{
  rig *r = three(NULL);
  rig_ctrl *c = r->ctrl[0];
  rig_cmd *cmd;

  rig_ns_loose(r, 1);
  cmd = RIG_OK(MORE_ATTACH(c, 1, 0, 2));
  ck_assert_uint_eq(cmd->dw0, 0);
  ck_assert_str_eq(who(r, 1), "2: 0 2");
  cmd = RIG_OK(MORE_DETACH(c, 1, 0, 2));
  ck_assert_uint_eq(cmd->dw0, 0);
  ck_assert_str_eq(who(r, 1), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R18_a_reserved_select_fails)
{
  rig *r = three(NULL);

  rig_ns_loose(r, 1);
  for (uint32_t sel = 2; sel < 16; sel++)
    RIG_FAILS(select_(r, sel, 1), DNR02);
  ck_assert_str_eq(who(r, 1), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R18_the_select_has_four_bits)
{
  rig *r = three(NULL);

  rig_ns_loose(r, 1);
  RIG_OK(select_(r, 0xFFFFFFF0 | NVMENS_NS_ATTACH, 1));
  ck_assert_str_eq(who(r, 1), "1: 0");
  rig_end(r);
}
END_TEST

START_TEST(R19_an_unallocated_nsid_fails)
{
  rig *r = three(NULL);

  RIG_FAILS(select_(r, NVMENS_NS_ATTACH, 1), DNR02);
  RIG_FAILS(select_(r, NVMENS_NS_DETACH, 1), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R19_an_invalid_nsid_fails)
{
  rig *r = three(&(nvmens_subsys_config){.nn = 8});

  for (unsigned sel = 0; sel < 2; sel++) {
    RIG_FAILS(select_(r, sel, 0), DNR0B);
    RIG_FAILS(select_(r, sel, 8), DNR02); /* NN is valid */
    RIG_FAILS(select_(r, sel, 9), DNR0B);
    RIG_FAILS(select_(r, sel, 0xFFFFFFFE), DNR0B);
  }
  rig_end(r);
}
END_TEST

START_TEST(R19_all_namespaces_fails)
{
  rig *r = three(NULL);

  rig_ns_auto(r, 1);
  RIG_FAILS(select_(r, NVMENS_NS_ATTACH, NVMENS_NSID_ALL), DNR02);
  RIG_FAILS(select_(r, NVMENS_NS_DETACH, NVMENS_NSID_ALL), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R19_a_deleting_namespace_is_unallocated)
{
  rig *r = three(NULL);
  rig_ns *ns = more_pending(r, r->ctrl[0], 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 1), DNR02);
  RIG_FAILS(MORE_DETACH(r->ctrl[0], 1, 0), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R55_a_write_protected_namespace_is_attached)
{
  rig *r = three(NULL);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .write_protected = 1});
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 0));
  rig_end(r);
}
END_TEST

/* ---- the list ---- */

START_TEST(R21_an_empty_list_succeeds)
{
  rig *r = three(NULL);

  rig_ns_auto(r, 1);
  RIG_OK(rig_attachment(r->ctrl[0], NVMENS_NS_ATTACH, 1, NULL, 0));
  RIG_OK(rig_attachment(r->ctrl[0], NVMENS_NS_DETACH, 1, NULL, 0));
  ck_assert_str_eq(who(r, 1), "3: 0 1 2");
  rig_end(r);
}
END_TEST

START_TEST(R20_a_list_that_is_not_ascending_has_no_effect)
{
  rig *r = three(NULL);

  rig_ns_loose(r, 1);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0, 2, 1), LIST_BAD);
  ck_assert_str_eq(who(r, 1), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R20_a_list_with_a_duplicate_has_no_effect)
{
  rig *r = three(NULL);

  rig_ns_auto(r, 1);
  RIG_FAILS(MORE_DETACH(r->ctrl[0], 1, 0, 1, 1), LIST_BAD);
  ck_assert_str_eq(who(r, 1), "3: 0 1 2");
  rig_end(r);
}
END_TEST

START_TEST(R20_a_list_that_is_too_long_has_no_effect)
{
  rig *r = three(NULL);
  static uint16_t all[65535];

  for (unsigned i = 0; i < 65535; i++)
    all[i] = (uint16_t)i;
  rig_ns_loose(r, 1);
  RIG_FAILS(rig_attachment(r->ctrl[0], NVMENS_NS_ATTACH, 1, all, 2048), LIST_BAD);
  RIG_FAILS(rig_attachment(r->ctrl[0], NVMENS_NS_ATTACH, 1, all, 65535), LIST_BAD);
  ck_assert_str_eq(who(r, 1), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R18_a_list_of_2047_is_well_formed)
{
  rig *r = three(NULL);
  static uint16_t all[2047];
  rig_cmd *cmd;

  for (unsigned i = 0; i < 2047; i++)
    all[i] = (uint16_t)i;
  rig_ns_loose(r, 1);
  cmd = rig_attachment(r->ctrl[0], NVMENS_NS_ATTACH, 1, all, 2047);
  RIG_FAILS(cmd, LIST_BAD); /* 3 is nobody */
  ck_assert_uint_eq(cmd->error_info, 2 + 2 * 3);
  ck_assert_str_eq(who(r, 1), "3: 0 1 2");
  rig_end(r);
}
END_TEST

START_TEST(R18_a_transfer_that_fails_has_no_effect)
{
  rig *r = three(NULL);

  rig_ns_loose(r, 1);
  r->fail_transfer = 1;
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0), RIG_DNR(NVMENS_SC_DATA_TRANSFER_ERROR));
  ck_assert_str_eq(who(r, 1), "0:");
  rig_end(r);
}
END_TEST

START_TEST(R20_the_first_failing_entry_stops_an_attach)
{
  rig *r = three(NULL);
  rig_ns *ns = rig_ns_loose(r, 1);
  rig_cmd *cmd;

  ck_assert_int_eq(rig_attach(ns, r->ctrl[1]), 0);
  cmd = MORE_ATTACH(r->ctrl[0], 1, 0, 1, 2);
  RIG_FAILS(cmd, ATTACHED);
  ck_assert_uint_eq(cmd->error_info, 4);
  ck_assert_str_eq(who(r, 1), "2: 0 1"); /* 0 stays applied, 2 was not reached */
  rig_end(r);
}
END_TEST

START_TEST(R20_the_first_failing_entry_stops_a_detach)
{
  rig *r = three(NULL);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ck_assert_int_eq(rig_detach(ns, r->ctrl[1], NVMENS_ORDERLY, RIG_NEVER), 0);
  cmd = MORE_DETACH(r->ctrl[0], 1, 0, 1, 2);
  RIG_FAILS(cmd, NOT_ATTACHED);
  ck_assert_uint_eq(cmd->error_info, 4);
  ck_assert_str_eq(who(r, 1), "1: 2");
  rig_end(r);
}
END_TEST

START_TEST(R20_a_failed_detach_waits_for_the_drains_it_started)
{
  rig *r = three(NULL);
  rig_ns *ns = more_pending(r, r->ctrl[0], 1);
  rig_cmd *cmd = MORE_DETACH(r->ctrl[0], 1, 0, 1);

  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(ns, r->ctrl[0]), 0);
  RIG_FAILS(cmd, NOT_ATTACHED);
  ck_assert_uint_eq(cmd->error_info, 4);
  rig_end(r);
}
END_TEST

/* ---- an entry of an attach ---- */

START_TEST(R22_an_unknown_controller_fails)
{
  rig *r = three(NULL);
  rig_cmd *cmd;

  rig_ns_loose(r, 1);
  cmd = MORE_ATTACH(r->ctrl[0], 1, 7);
  RIG_FAILS(cmd, LIST_BAD);
  ck_assert_uint_eq(cmd->error_info, 2);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, ANY), LIST_BAD);
  RIG_FAILS(MORE_DETACH(r->ctrl[0], 1, 7), LIST_BAD);
  rig_end(r);
}
END_TEST

START_TEST(R22_a_controller_that_is_not_io_fails)
{
  rig *r = three(NULL);

  rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY});
  rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN});
  rig_ns_loose(r, 1);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 3), LIST_BAD);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 4), LIST_BAD);
  RIG_FAILS(MORE_DETACH(r->ctrl[0], 1, 4), LIST_BAD);
  rig_end(r);
}
END_TEST

START_TEST(R22_an_attached_namespace_is_already_attached)
{
  rig *r = three(NULL);

  rig_ns_auto(r, 1);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0), ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(R25_a_private_namespace_has_one_controller)
{
  rig *r = three(NULL);
  rig_cmd *cmd;

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});
  cmd = MORE_ATTACH(r->ctrl[0], 1, 1, 2);
  RIG_FAILS(cmd, PRIVATE);
  ck_assert_uint_eq(cmd->error_info, 4);
  ck_assert_str_eq(who(r, 1), "1: 1");
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0), PRIVATE);
  RIG_OK(MORE_DETACH(r->ctrl[0], 1, 1));
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 0));
  rig_end(r);
}
END_TEST

START_TEST(R58_a_draining_private_namespace_still_has_its_controller)
{
  rig *r = three(NULL);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(ns, r->ctrl[0]), 0);
  ck_assert_int_eq(rig_detach(ns, r->ctrl[0], NVMENS_ORDERLY, RIG_NEVER), 0);
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 1)); /* follows the drain */
  ck_assert_str_eq(who(r, 1), "0:");
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 1), ATTACHED);
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 2), PRIVATE); /* wanted elsewhere */
  ck_assert_int_eq(rig_detach(ns, r->ctrl[0], NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_str_eq(who(r, 1), "0:"); /* ABORTING */
  ck_assert_int_eq(rig_drained(ns, r->ctrl[0]), 0);
  ck_assert_str_eq(who(r, 1), "1: 1");
  rig_end(r);
}
END_TEST

START_TEST(R22_R58_attach_while_draining_follows_the_drain)
{
  rig *r = three(NULL);
  rig_ns *ns = more_pending(r, r->ctrl[0], 1);

  ck_assert_int_eq(rig_detach(ns, r->ctrl[0], NVMENS_ORDERLY, RIG_NEVER), 0);
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 0));
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0), ATTACHED);
  ck_assert_int_eq(rig_detach(ns, r->ctrl[0], NVMENS_SURPRISE, RIG_NEVER), 0); /* withdrawn */
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 0));
  ck_assert_str_eq(who(r, 1), "0:");
  ck_assert_int_eq(rig_drained(ns, r->ctrl[0]), 0);
  ck_assert_str_eq(who(r, 1), "1: 0");
  rig_end(r);
}
END_TEST

static const nvmens_subsys_config zoned = {
    .maxcna = 1, .csi_supported = 1u << NVMENS_CSI_NVM | 1u << NVMENS_CSI_ZNS};

START_TEST(R22_a_command_set_that_is_not_enabled_fails)
{
  rig *r = three(&zoned); /* CC.CSS: NVM only */

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_ZNS, .shared = 1});
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 1, 0), NOT_ENABLED);
  rig_reset(r->ctrl[1]);
  ck_assert_int_eq(nvmens_ctrl_enable(r->ctrl[1]->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 1));
  rig_end(r);
}
END_TEST

START_TEST(R22_maxcna_limits_a_controller)
{
  rig *r = three(&(nvmens_subsys_config){.maxcna = 2});

  for (uint32_t nsid = 1; nsid <= 3; nsid++)
    rig_ns_loose(r, nsid);
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 0));
  RIG_OK(MORE_ATTACH(r->ctrl[0], 2, 0));
  RIG_FAILS(MORE_ATTACH(r->ctrl[0], 3, 0), LIMIT);
  RIG_OK(MORE_ATTACH(r->ctrl[0], 3, 1));
  RIG_OK(MORE_DETACH(r->ctrl[0], 1, 0));
  RIG_OK(MORE_ATTACH(r->ctrl[0], 3, 0));
  rig_end(r);
}
END_TEST

START_TEST(R22_maxdna_limits_the_subsystem)
{
  rig *r = three(&(nvmens_subsys_config){.maxdna = 2});
  rig_cmd *cmd;

  rig_ns_loose(r, 1);
  cmd = MORE_ATTACH(r->ctrl[0], 1, 0, 1, 2);
  RIG_FAILS(cmd, LIMIT);
  ck_assert_uint_eq(cmd->error_info, 6);
  ck_assert_str_eq(who(r, 1), "2: 0 1");
  RIG_OK(MORE_DETACH(r->ctrl[0], 1, 0));
  RIG_OK(MORE_ATTACH(r->ctrl[0], 1, 2));
  rig_end(r);
}
END_TEST

/* ---- R23: the order ---- */

START_TEST(R23_select_then_nsid_then_list_then_entries)
{
  rig *r = three(NULL);
  rig_ctrl *c = r->ctrl[0];
  static const uint16_t backwards[] = {7, 0};

  RIG_FAILS(rig_attachment(c, 5, 0, backwards, 2), DNR02);                /* SEL, not NSID */
  RIG_FAILS(rig_attachment(c, NVMENS_NS_ATTACH, 0, backwards, 2), DNR0B); /* NSID, not list */
  RIG_FAILS(rig_attachment(c, NVMENS_NS_ATTACH, 1, backwards, 2), DNR02);
  rig_ns_auto(r, 1);
  RIG_FAILS(MORE_ATTACH(c, 1, 0, 2, 1), LIST_BAD); /* list, not the entry 0 */
  rig_end(r);
}
END_TEST

START_TEST(R23_existence_then_attachment_then_privacy)
{
  rig *r = three(NULL);
  rig_ctrl *c = r->ctrl[0];

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});
  RIG_OK(MORE_ATTACH(c, 1, 0));
  RIG_FAILS(MORE_ATTACH(c, 1, 9), LIST_BAD); /* unknown, not private */
  RIG_FAILS(MORE_ATTACH(c, 1, 0), ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(R23_privacy_then_command_set_then_limit)
{
  rig *r = three(&zoned); /* at most one each */
  rig_ctrl *c = r->ctrl[0];

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_ZNS});
  rig_reset(r->ctrl[1]);
  ck_assert_int_eq(nvmens_ctrl_enable(r->ctrl[1]->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  rig_ns_loose(r, 2);
  RIG_OK(MORE_ATTACH(c, 2, 0)); /* now 0 is full */
  RIG_FAILS(MORE_ATTACH(c, 1, 0), NOT_ENABLED);
  RIG_OK(MORE_ATTACH(c, 1, 1));
  RIG_FAILS(MORE_ATTACH(c, 1, 0), PRIVATE);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 3});
  RIG_OK(MORE_ATTACH(c, 3, 2));
  RIG_FAILS(MORE_ATTACH(c, 3, 0), PRIVATE); /* not the limit */
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R18_attach_and_detach,
      R18_a_reserved_select_fails,
      R18_the_select_has_four_bits,
      R19_an_unallocated_nsid_fails,
      R19_an_invalid_nsid_fails,
      R19_all_namespaces_fails,
      R19_a_deleting_namespace_is_unallocated,
      R55_a_write_protected_namespace_is_attached,
      R21_an_empty_list_succeeds,
      R20_a_list_that_is_not_ascending_has_no_effect,
      R20_a_list_with_a_duplicate_has_no_effect,
      R20_a_list_that_is_too_long_has_no_effect,
      R18_a_list_of_2047_is_well_formed,
      R18_a_transfer_that_fails_has_no_effect,
      R20_the_first_failing_entry_stops_an_attach,
      R20_the_first_failing_entry_stops_a_detach,
      R20_a_failed_detach_waits_for_the_drains_it_started,
      R22_an_unknown_controller_fails,
      R22_a_controller_that_is_not_io_fails,
      R22_an_attached_namespace_is_already_attached,
      R25_a_private_namespace_has_one_controller,
      R58_a_draining_private_namespace_still_has_its_controller,
      R22_R58_attach_while_draining_follows_the_drain,
      R22_a_command_set_that_is_not_enabled_fails,
      R22_maxcna_limits_a_controller,
      R22_maxdna_limits_the_subsystem,
      R23_select_then_nsid_then_list_then_entries,
      R23_existence_then_attachment_then_privacy,
      R23_privacy_then_command_set_then_limit,
  };

  return MORE_RUN("ns_attach", tests);
}
