/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_identify_lists.c: Identify CNS 02h, 07h, 10h, 12h, 13h, 1Ah (R6, R15, C9, C11).
 */
#include "rig_more.h"

#define ACTIVE    NVMENS_CNS_ACTIVE_NS_LIST
#define ALLOCATED NVMENS_CNS_ALLOCATED_NS_LIST
#define CTRLS     NVMENS_CNS_CTRL_LIST
#define OF_NS     NVMENS_CNS_NS_CTRL_LIST

static uint8_t page[NVMENS_PAGE];
static uint32_t nsids[NVMENS_LIST_NSIDS];

static const nvmens_subsys_config zoned = {
    .nn = 64, .csi_supported = 1u << NVMENS_CSI_NVM | 1u << NVMENS_CSI_ZNS};

static rig_ctrl *all_sets(rig *r)
{
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  return c;
}

/* The list of one command set, as text. */
static const char *set_list(rig_ctrl *c, uint8_t cns, uint32_t after, uint8_t csi)
{
  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_identify_full(c, cns, after, 0, csi, page));
  return rig_list_text(c->rig, page);
}

static const char *list_after(rig_ctrl *c, uint8_t cns, uint32_t after)
{
  return set_list(c, cns, after, NVMENS_CSI_NVM);
}

/* ---- namespace lists ---- */

START_TEST(R6_cns02_has_what_is_attached_here)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);

  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 1), a), 0);
  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 2), b), 0);
  rig_ns_loose(r, 3);
  ck_assert_str_eq(rig_ids(a, ACTIVE), "1");
  ck_assert_str_eq(rig_ids(b, ACTIVE), "2");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns10_has_what_is_allocated)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);

  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 1), a), 0);
  rig_ns_loose(r, 3);
  ck_assert_str_eq(rig_ids(a, ALLOCATED), "1 3");
  ck_assert_str_eq(rig_ids(b, ALLOCATED), "1 3");
  rig_end(r);
}
END_TEST

START_TEST(C9_lists_are_ascending)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint32_t in[] = {900, 3, 1024, 64, 1, 65, 63};

  for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
    rig_ns_auto(r, in[i]);
  ck_assert_str_eq(rig_ids(c, ACTIVE), "1 3 63 64 65 900 1024");
  ck_assert_str_eq(rig_ids(c, ALLOCATED), "1 3 63 64 65 900 1024");
  rig_end(r);
}
END_TEST

START_TEST(R6_namespace_lists_are_strictly_greater)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t all[] = {ACTIVE, NVMENS_CNS_CSI_ACTIVE_NS_LIST, ALLOCATED,
                                NVMENS_CNS_CSI_ALLOCATED_NS_LIST};

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 5);
  rig_ns_auto(r, 6);
  for (size_t i = 0; i < sizeof(all); i++) {
    ck_assert_str_eq(list_after(c, all[i], 0), "1 5 6");
    ck_assert_str_eq(list_after(c, all[i], 1), "5 6");
    ck_assert_str_eq(list_after(c, all[i], 4), "5 6");
    ck_assert_str_eq(list_after(c, all[i], 5), "6");
    ck_assert_str_eq(list_after(c, all[i], 6), "");
  }
  rig_end(r);
}
END_TEST

START_TEST(R6_a_list_after_the_last_nsid_is_empty)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1024);
  ck_assert_str_eq(list_after(c, ACTIVE, 1024), "");
  ck_assert_str_eq(list_after(c, ACTIVE, 0xFFFFFFFD), "");
  ck_assert_str_eq(list_after(c, ALLOCATED, 0xFFFFFFFD), "");
  rig_end(r);
}
END_TEST

START_TEST(R6_a_list_after_fffffffe_or_ffffffff_is_invalid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t all[] = {ACTIVE, NVMENS_CNS_CSI_ACTIVE_NS_LIST, ALLOCATED,
                                NVMENS_CNS_CSI_ALLOCATED_NS_LIST};

  for (size_t i = 0; i < sizeof(all); i++) {
    RIG_FAILS(rig_identify(c, all[i], 0xFFFFFFFE, page), DNR0B);
    RIG_FAILS(rig_identify(c, all[i], 0xFFFFFFFF, page), DNR0B);
  }
  rig_end(r);
}
END_TEST

START_TEST(R6_nsid_fffffffe_is_listed)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = NVMENS_NSID_MAX});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, NVMENS_NSID_MAX);
  ck_assert_str_eq(list_after(c, ACTIVE, 0), "4294967294");
  ck_assert_str_eq(list_after(c, ALLOCATED, 0xFFFFFFFD), "4294967294");
  rig_end(r);
}
END_TEST

START_TEST(C9_a_list_goes_on_after_1024)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 5000});
  rig_ctrl *c = rig_ctrl_on(r);

  r->no_check = 1;
  for (uint32_t i = 1; i <= 1030; i++)
    rig_ns_auto(r, 2 * i);
  r->no_check = 0;
  for (unsigned k = 0; k < 2; k++) {
    ck_assert_uint_eq(rig_id_list(c, k ? ALLOCATED : ACTIVE, 0, nsids), 1024);
    for (uint32_t i = 0; i < 1024; i++)
      ck_assert_uint_eq(nsids[i], 2 * (i + 1));
    ck_assert_uint_eq(rig_id_list(c, k ? ALLOCATED : ACTIVE, nsids[1023], nsids), 6);
    ck_assert_uint_eq(nsids[0], 2050);
    ck_assert_uint_eq(nsids[5], 2060);
  }
  rig_end(r);
}
END_TEST

/* What is left out does not count: the page is full in the middle of what was looked at. */
START_TEST(C9_R15_a_list_of_1024_passes_over_one_that_goes)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = rig_ctrl_on(r);

  r->no_check = 1;
  for (uint32_t nsid = 1; nsid <= 1100; nsid++)
    if (nsid != 10)
      rig_ns_loose(r, nsid);
  r->no_check = 0;
  more_pending(r, c, 10);
  ck_assert(rig_is_open(rig_host_delete(c, 10)));
  ck_assert_uint_eq(rig_id_list(c, ALLOCATED, 0, nsids), 1024);
  for (uint32_t i = 0; i < 1024; i++)
    ck_assert_uint_eq(nsids[i], i < 9 ? i + 1 : i + 2);
  ck_assert_uint_eq(rig_id_list(c, ALLOCATED, nsids[1023], nsids), 1100 - 1025);
  ck_assert_uint_eq(nsids[0], 1026);
  rig_end(r);
}
END_TEST

START_TEST(C11_a_draining_namespace_is_not_in_cns02_but_in_cns10)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_ids(c, ACTIVE), "");
  ck_assert_str_eq(rig_ids(c, ALLOCATED), "1");
  rig_end(r);
}
END_TEST

START_TEST(R15_a_deleting_namespace_is_in_no_list)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert(rig_is_open(rig_host_delete(c, 1)));
  ck_assert_int_eq(ns->released, 0);
  ck_assert_str_eq(rig_ids(c, ACTIVE), "");
  ck_assert_str_eq(rig_ids(c, ALLOCATED), "");
  RIG_FAILS(rig_identify(c, OF_NS, 1, page), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R24_lists_survive_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 4);
  rig_ns_loose(r, 5);
  rig_reenable(c);
  ck_assert_str_eq(rig_ids(c, ACTIVE), "4");
  ck_assert_str_eq(rig_ids(c, ALLOCATED), "4 5");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns07_and_1a_have_one_command_set)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);

  rig_ns_auto(r, 1);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .csi = NVMENS_CSI_ZNS, .auto_attach = 1});
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 3, .csi = NVMENS_CSI_ZNS});
  rig_ns_auto(r, 4);
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, NVMENS_CSI_NVM), "1 4");
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, NVMENS_CSI_ZNS), "2");
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ALLOCATED_NS_LIST, 0, NVMENS_CSI_NVM), "1 4");
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ALLOCATED_NS_LIST, 0, NVMENS_CSI_ZNS), "2 3");
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ALLOCATED_NS_LIST, 2, NVMENS_CSI_ZNS), "3");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns07_of_a_command_set_that_is_not_enabled_fails)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = rig_ctrl_on(r); /* CC.CSS: NVM only */

  RIG_FAILS(rig_identify_full(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, 0, NVMENS_CSI_ZNS, page), DNR02);
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, NVMENS_CSI_NVM), "");
  rig_end(r);
}
END_TEST

START_TEST(R6_a_command_set_of_nobody_has_an_empty_list)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);

  rig_ns_auto(r, 1);
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, NVMENS_CSI_ZNS), "");
  ck_assert_str_eq(set_list(c, NVMENS_CNS_CSI_ALLOCATED_NS_LIST, 0, NVMENS_CSI_ZNS), "");
  rig_end(r);
}
END_TEST

/* ---- controller lists ---- */

START_TEST(R6_cns12_has_the_controllers_it_is_attached_to)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r), *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_str_eq(more_ctrls(a, OF_NS, 1, 0), "0:");
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, a), 0);
  ck_assert_str_eq(more_ctrls(b, OF_NS, 1, 0), "2: 0 2");
  rig_end(r);
}
END_TEST

START_TEST(R6_controller_lists_are_greater_or_equal)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r);

  rig_ctrl_on(r);
  rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  for (unsigned k = 0; k < 2; k++) {
    const uint8_t cns = k ? CTRLS : OF_NS;

    ck_assert_str_eq(more_ctrls(a, cns, k ? 0 : 1, 0), "3: 0 1 2");
    ck_assert_str_eq(more_ctrls(a, cns, k ? 0 : 1, 1), "2: 1 2");
    ck_assert_str_eq(more_ctrls(a, cns, k ? 0 : 1, 2), "1: 2");
    ck_assert_str_eq(more_ctrls(a, cns, k ? 0 : 1, 3), "0:");
    ck_assert_str_eq(more_ctrls(a, cns, k ? 0 : 1, 0xFFFF), "0:");
  }
  rig_end(r);
}
END_TEST

START_TEST(R6_cns12_of_all_namespaces_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_identify(c, OF_NS, NVMENS_NSID_ALL, page), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns12_of_an_unallocated_namespace_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_identify(c, OF_NS, 1, page), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R51_cns12_has_no_draining_controller)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_attach(ns, b), 0);
  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(more_ctrls(a, OF_NS, 1, 0), "1: 1");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns13_has_the_io_controllers_only)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;

  rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY});
  c = rig_ctrl_on(r);
  rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN});
  rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 0xFFEF, .cntlid_given = 1});
  ck_assert_str_eq(more_ctrls(c, CTRLS, 0, 0), "2: 1 65519");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns13_has_disabled_controllers_and_no_removed_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);

  rig_ctrl_new(r, NULL);
  rig_ctrl_del(b);
  ck_assert_str_eq(more_ctrls(a, CTRLS, 0, 0), "2: 0 2");
  rig_end(r);
}
END_TEST

/* ---- who may ask ---- */

START_TEST(R2_a_disabled_controller_answers_008)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  RIG_FAILS(rig_identify(c, ACTIVE, 0, page), NVMENS_SC_ABORTED_SQ_DELETED);
  rig_enable(c);
  RIG_OK(rig_identify(c, ACTIVE, 0, page));
  rig_end(r);
}
END_TEST

START_TEST(R37_a_controller_that_is_shut_down_answers_005)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_shutdown(c);
  RIG_FAILS(rig_identify(c, ACTIVE, 0, page), NVMENS_SC_ABORTED_POWER_LOSS);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R6_cns02_has_what_is_attached_here,
      R6_cns10_has_what_is_allocated,
      C9_lists_are_ascending,
      R6_namespace_lists_are_strictly_greater,
      R6_a_list_after_the_last_nsid_is_empty,
      R6_a_list_after_fffffffe_or_ffffffff_is_invalid,
      R6_nsid_fffffffe_is_listed,
      C9_a_list_goes_on_after_1024,
      C9_R15_a_list_of_1024_passes_over_one_that_goes,
      C11_a_draining_namespace_is_not_in_cns02_but_in_cns10,
      R15_a_deleting_namespace_is_in_no_list,
      R24_lists_survive_a_reset,
      R6_cns07_and_1a_have_one_command_set,
      R6_cns07_of_a_command_set_that_is_not_enabled_fails,
      R6_a_command_set_of_nobody_has_an_empty_list,
      R6_cns12_has_the_controllers_it_is_attached_to,
      R6_controller_lists_are_greater_or_equal,
      R6_cns12_of_all_namespaces_fails,
      R6_cns12_of_an_unallocated_namespace_fails,
      R51_cns12_has_no_draining_controller,
      R6_cns13_has_the_io_controllers_only,
      R6_cns13_has_disabled_controllers_and_no_removed_one,
      R2_a_disabled_controller_answers_008,
      R37_a_controller_that_is_shut_down_answers_005,
  };

  return MORE_RUN("identify_lists", tests);
}
