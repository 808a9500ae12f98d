/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_identify_pages.c: Identify CNS 05h, 06h, 08h, 11h, 1Bh, 1Ch, 1Fh, and the backend's part of
 * a page (R2, R6, R15, C13, P14).
 */
#include "rig_more.h"

static uint8_t page[NVMENS_PAGE], other[NVMENS_PAGE];
#define ID_NS ((const nvmens_id_ns *)page)
#define IND   ((const nvmens_id_ns_independent *)page)

/* NVM and zoned; not key value. */
static const nvmens_subsys_config zoned = {
    .nn = 64, .csi_supported = 1u << NVMENS_CSI_NVM | 1u << NVMENS_CSI_ZNS};

static rig_ctrl *all_sets(rig *r)
{
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  return c;
}

static rig_cmd *by_csi(rig_ctrl *c, uint8_t cns, uint32_t nsid, uint8_t csi)
{
  memset(page, 0xEE, sizeof(page));
  return rig_identify_full(c, cns, nsid, 0, csi, page);
}

/* ---- CNS 08h, 11h, 1Fh ---- */

START_TEST(C13_cns08_says_ready)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .auto_attach = 1}); /* private */
  for (uint32_t nsid = 1; nsid <= 2; nsid++) {
    more_page(c, NVMENS_CNS_NS_INDEPENDENT, nsid, page);
    ck_assert_uint_eq(IND->nstat & NVMENS_NSTAT_NRDY, 1);
    ck_assert_uint_eq(IND->nmic, nsid == 1);
  }
  rig_end(r);
}
END_TEST

START_TEST(R6_cns08_of_an_inactive_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  more_page(c, NVMENS_CNS_NS_INDEPENDENT, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns08_of_all_namespaces_succeeds)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  more_page(c, NVMENS_CNS_NS_INDEPENDENT, NVMENS_NSID_ALL, page);
  ck_assert(more_zero(page, 0, NVMENS_PAGE - 1)); /* no formats here: all is the backend's */
  rig_end(r);
}
END_TEST

START_TEST(R6_cns11_of_an_allocated_namespace_has_its_data)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x1000);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns11_is_cns00_where_it_is_active)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  more_page(c, NVMENS_CNS_NS, 1, other);
  ck_assert_mem_eq(page, other, sizeof(page));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns11_of_an_unallocated_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns11_of_all_namespaces_is_invalid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_identify(c, NVMENS_CNS_ALLOCATED_NS, NVMENS_NSID_ALL, page), DNR0B);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_CSI_ALLOCATED_NS, NVMENS_NSID_ALL, page), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R15_cns11_of_a_deleting_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  more_page(c, NVMENS_CNS_ALLOCATED_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns1f_is_cns08_for_an_allocated_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  more_page(c, NVMENS_CNS_ALLOCATED_NS_INDEPENDENT, 1, page);
  ck_assert_uint_eq(IND->nmic, NVMENS_NMIC_SHARED);
  ck_assert_uint_eq(IND->nstat & NVMENS_NSTAT_NRDY, 1);
  more_page(c, NVMENS_CNS_ALLOCATED_NS_INDEPENDENT, 2, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

/* ---- CNS 05h, 06h, 1Bh: by command set ---- */

START_TEST(R6_cns05_of_an_active_namespace_succeeds)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);

  rig_ns_auto(r, 1);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .csi = NVMENS_CSI_ZNS, .auto_attach = 1});
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_NS, 1, NVMENS_CSI_NVM));
  ck_assert_uint_eq(page[NVMENS_PAGE - 1], 0x5A); /* the backend's part */
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_NS, 2, NVMENS_CSI_ZNS));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns05_of_another_command_set_fails)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);

  rig_ns_auto(r, 1);
  RIG_FAILS(by_csi(c, NVMENS_CNS_CSI_NS, 1, NVMENS_CSI_ZNS), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns05_of_an_inactive_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_NS, 1, NVMENS_CSI_NVM));
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_an_unsupported_command_set_fails)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);
  static const uint8_t all[] = {NVMENS_CNS_CSI_NS, NVMENS_CNS_CSI_CTRL,
                                NVMENS_CNS_CSI_ACTIVE_NS_LIST, NVMENS_CNS_CSI_ALLOCATED_NS_LIST,
                                NVMENS_CNS_CSI_ALLOCATED_NS};

  rig_ns_auto(r, 1);
  for (size_t i = 0; i < sizeof(all); i++) {
    RIG_FAILS(by_csi(c, all[i], 1, NVMENS_CSI_KV), DNR02);
    RIG_FAILS(by_csi(c, all[i], 1, 0x20), DNR02); /* beyond the 32 bits of csi_supported */
    RIG_FAILS(by_csi(c, all[i], 1, 0xFF), DNR02);
  }
  rig_end(r);
}
END_TEST

START_TEST(R6_cns06_is_the_backends_page)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(by_csi(c, NVMENS_CNS_CSI_CTRL, 0, NVMENS_CSI_NVM));
  ck_assert(more_zero(page, 0, NVMENS_PAGE - 1));
  ck_assert_uint_eq(page[NVMENS_PAGE - 1], 0x5A);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns06_without_a_backend_is_all_zero)
{
  rig *r = rig_new_without(NULL, RIG_NO_IDENTIFY);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(by_csi(c, NVMENS_CNS_CSI_CTRL, 0, NVMENS_CSI_NVM));
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns06_asks_without_a_namespace)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->log_mask = RIG_BIT(RIG_IDENTIFY);
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_CTRL, 0, NVMENS_CSI_NVM));
  ck_assert_str_eq(rig_log(r), "identify c0");
  rig_end(r);
}
END_TEST

START_TEST(R6_cns1b_is_cns11_for_a_command_set)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_ALLOCATED_NS, 1, NVMENS_CSI_NVM));
  ck_assert_uint_eq(page[NVMENS_PAGE - 1], 0x5A);
  RIG_OK(by_csi(c, NVMENS_CNS_CSI_ALLOCATED_NS, 2, NVMENS_CSI_NVM));
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns1c_has_the_supported_command_sets)
{
  rig *r = rig_new(&zoned);
  rig_ctrl *c = all_sets(r);
  uint64_t sets = 0;

  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_identify_full(c, NVMENS_CNS_COMMAND_SETS, 0, 0xFFFF, 0, page));
  for (size_t i = 0; i < sizeof(page); i += 8)
    sets |= nvmens_get64(page + i);
  ck_assert_uint_eq(sets, 5);
  RIG_OK(rig_identify_full(c, NVMENS_CNS_COMMAND_SETS, 0, rig_cntlid(c), 0, other));
  ck_assert_mem_eq(page, other, sizeof(page));
  rig_end(r);
}
END_TEST

/* ---- the backend's part ---- */

static void scribble(rig *r, const rig_event *e)
{
  (void)r;
  memset(e->data, 0xFF, NVMENS_PAGE);
}

START_TEST(R6_the_librarys_fields_are_written_over_the_backends)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .nsze = 77, .anagrpid = 3});
  r->react = scribble;
  r->react_on = RIG_BIT(RIG_IDENTIFY);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 77);
  ck_assert_uint_eq(nvmens_get64(ID_NS->ncap), 77);
  ck_assert_uint_eq(ID_NS->nlbaf, 0);
  ck_assert_uint_eq(ID_NS->nmic & NVMENS_NMIC_SHARED, 0);
  ck_assert_uint_eq(ID_NS->nsattr & NVMENS_NSATTR_WP, 0);
  ck_assert_uint_eq(nvmens_get32(ID_NS->anagrpid), 3);
  ck_assert(more_zero(ID_NS->eui64, 0, 8));
  ck_assert_uint_eq(page[NVMENS_PAGE - 1], 0xFF);
  rig_end(r);
}
END_TEST

static void expect_zeroes(rig *r, const rig_event *e)
{
  (void)r;
  ck_assert(more_zero(e->data, 0, NVMENS_PAGE - 1)); /* the last byte is the rig's */
}

START_TEST(R6_the_backend_is_given_a_page_of_zeroes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  r->react = expect_zeroes;
  r->react_on = RIG_BIT(RIG_IDENTIFY);
  more_page(c, NVMENS_CNS_NS, 1, page);
  more_page(c, NVMENS_CNS_NS_INDEPENDENT, 1, page);
  rig_end(r);
}
END_TEST

START_TEST(R6_a_backend_that_fails_ends_the_command_with_006)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  r->identify_fails = 1;
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS, 1, page), SF06);
  rig_end(r);
}
END_TEST

START_TEST(C12_an_inactive_namespace_needs_no_backend)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->identify_fails = 1;
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_a_transfer_that_fails_ends_the_command)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  r->fail_transfer = 1;
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS, 1, page), RIG_DNR(NVMENS_SC_DATA_TRANSFER_ERROR));
  rig_end(r);
}
END_TEST

static void unplug_it(rig *r, const rig_event *e)
{
  ck_assert_int_eq(rig_unplug(r->react_arg, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(((rig_ns *)r->react_arg)->released, 0);
  (void)e;
}

START_TEST(R6_a_namespace_is_not_released_while_its_page_is_made)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  r->react = unplug_it;
  r->react_on = RIG_BIT(RIG_IDENTIFY);
  r->react_arg = ns;
  cmd = rig_identify(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(cmd->done, 1);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {C13_cns08_says_ready,
                                R6_cns08_of_an_inactive_namespace_is_all_zero,
                                R6_cns08_of_all_namespaces_succeeds,
                                R6_cns11_of_an_allocated_namespace_has_its_data,
                                R6_cns11_is_cns00_where_it_is_active,
                                R6_cns11_of_an_unallocated_namespace_is_all_zero,
                                R6_cns11_of_all_namespaces_is_invalid,
                                R15_cns11_of_a_deleting_namespace_is_all_zero,
                                R6_cns1f_is_cns08_for_an_allocated_namespace,
                                R6_cns05_of_an_active_namespace_succeeds,
                                R6_cns05_of_another_command_set_fails,
                                R6_cns05_of_an_inactive_namespace_is_all_zero,
                                R6_an_unsupported_command_set_fails,
                                R6_cns06_is_the_backends_page,
                                R6_cns06_without_a_backend_is_all_zero,
                                R6_cns06_asks_without_a_namespace,
                                R6_cns1b_is_cns11_for_a_command_set,
                                R6_cns1c_has_the_supported_command_sets,
                                R6_the_librarys_fields_are_written_over_the_backends,
                                R6_the_backend_is_given_a_page_of_zeroes,
                                R6_a_backend_that_fails_ends_the_command_with_006,
                                C12_an_inactive_namespace_needs_no_backend,
                                R6_a_transfer_that_fails_ends_the_command,
                                R6_a_namespace_is_not_released_while_its_page_is_made};

  return MORE_RUN("identify_pages", tests);
}
