/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_identify.c: Identify CNS 00h and 03h (R1, R2, R5, R6, C11, C12, C15). The other pages of a
 * namespace are in test_identify_pages.c, the lists in test_identify_lists.c, the controller in
 * test_identify_ctrl.c.
 */
#include "rig_more.h"

static uint8_t page[NVMENS_PAGE], other[NVMENS_PAGE];
#define ID_NS ((const nvmens_id_ns *)page)
#define IND   ((const nvmens_id_ns_independent *)page)

/* Two formats, three command sets. */
static const nvmens_subsys_config rich = {
    .nn = 64,
    .csi_supported = 1u << NVMENS_CSI_NVM | 1u << NVMENS_CSI_KV | 1u << NVMENS_CSI_ZNS,
    .lbaf = {{.lbads = 9, .rp = 2}, {.lbads = 12, .rp = 1, .ms = 8}},
    .nlbaf = 2};

static rig_ctrl *all_sets(rig *r)
{
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  return c;
}

/* ---- R2: which NSID ---- */

static const uint8_t by_nsid[] = {NVMENS_CNS_NS,
                                  NVMENS_CNS_NS_DESC_LIST,
                                  NVMENS_CNS_CSI_NS,
                                  NVMENS_CNS_ALLOCATED_NS,
                                  NVMENS_CNS_NS_CTRL_LIST,
                                  NVMENS_CNS_NS_INDEPENDENT,
                                  NVMENS_CNS_CSI_ALLOCATED_NS,
                                  NVMENS_CNS_ALLOCATED_NS_INDEPENDENT};

START_TEST(R2_nsid_0_is_invalid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  for (size_t i = 0; i < sizeof(by_nsid); i++)
    RIG_FAILS(rig_identify(c, by_nsid[i], 0, page), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R1_nsid_above_nn_is_invalid)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 8});
  rig_ctrl *c = rig_ctrl_on(r);

  for (size_t i = 0; i < sizeof(by_nsid); i++)
    RIG_FAILS(rig_identify(c, by_nsid[i], 9, page), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R1_nsid_nn_is_valid)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 8});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 8);
  more_page(c, NVMENS_CNS_NS, 8, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x1000);
  rig_end(r);
}
END_TEST

/* ---- CNS 00h ---- */

START_TEST(R6_cns00_of_an_active_namespace_has_its_data)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 3,
                                    .shared = 1,
                                    .auto_attach = 1,
                                    .nsze = 0x123456789A,
                                    .ncap = 0x1234,
                                    .flbas = 1,
                                    .nvmsetid = 5,
                                    .endgid = 6});
  more_page(c, NVMENS_CNS_NS, 3, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x123456789A);
  ck_assert_uint_eq(nvmens_get64(ID_NS->ncap), 0x1234);
  ck_assert_uint_eq(ID_NS->flbas & 0xF, 1);
  ck_assert_uint_eq(ID_NS->nlbaf, 1); /* 0's based */
  ck_assert_uint_eq(nvmens_get16(ID_NS->nvmsetid), 5);
  ck_assert_uint_eq(nvmens_get16(ID_NS->endgid), 6);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns00_has_the_formats_of_the_subsystem)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->lbaf[0].lbads, 9);
  ck_assert_uint_eq(ID_NS->lbaf[0].rp, 2);
  ck_assert_uint_eq(nvmens_get16(ID_NS->lbaf[0].ms), 0);
  ck_assert_uint_eq(ID_NS->lbaf[1].lbads, 12);
  ck_assert_uint_eq(ID_NS->lbaf[1].rp, 1);
  ck_assert_uint_eq(nvmens_get16(ID_NS->lbaf[1].ms), 8);
  ck_assert(more_zero(&ID_NS->lbaf[2], 0, 62 * sizeof(nvmens_wire_lbaf)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns00_has_the_namespaces_own_formats)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r,
             &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .nlbaf = 1, .lbaf = {{.lbads = 13}}});
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->nlbaf, 0);
  ck_assert_uint_eq(ID_NS->lbaf[0].lbads, 13);
  ck_assert(more_zero(&ID_NS->lbaf[1], 0, 63 * sizeof(nvmens_wire_lbaf)));
  rig_end(r);
}
END_TEST

START_TEST(R5_cns00_has_nguid_and_eui64)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  const nvmens_ns_config config = {
      .nsid = 1, .auto_attach = 1, .ident = {.nguid = {1, 2, 3, [15] = 9}, .eui64 = {7, [7] = 8}}};

  rig_ns_new(r, &config);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_mem_eq(ID_NS->nguid, config.ident.nguid, 16);
  ck_assert_mem_eq(ID_NS->eui64, config.ident.eui64, 8);
  rig_end(r);
}
END_TEST

START_TEST(C12_cns00_of_an_inactive_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1); /* allocated, not attached */
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  more_page(c, NVMENS_CNS_NS, 2, page); /* unallocated */
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R51_cns00_of_a_draining_namespace_is_all_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert(more_zero(page, 0, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_P14_cns00_of_all_namespaces_is_the_common_capabilities)
{
  rig *r = rig_new_without(&rich, RIG_NO_IDENTIFY);
  rig_ctrl *c = rig_ctrl_on(r);
  const size_t formats = offsetof(nvmens_id_ns, lbaf);

  more_page(c, NVMENS_CNS_NS, NVMENS_NSID_ALL, page);
  ck_assert_uint_eq(ID_NS->nlbaf, 1);
  ck_assert_uint_eq(ID_NS->lbaf[0].lbads, 9);
  ck_assert_uint_eq(ID_NS->lbaf[1].lbads, 12);
  ck_assert(more_zero(page, 0, offsetof(nvmens_id_ns, nlbaf)));
  ck_assert(more_zero(page, offsetof(nvmens_id_ns, flbas), formats));
  ck_assert(more_zero(page, formats + 8, sizeof(page)));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns00_of_all_namespaces_needs_namespace_management)
{
  rig *r = rig_new_without(NULL, RIG_NO_PREPARE);
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS, NVMENS_NSID_ALL, page), DNR0B);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_INDEPENDENT, NVMENS_NSID_ALL, page), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns00_of_a_namespace_without_logical_blocks_fails)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = all_sets(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_KV, .auto_attach = 1});
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS, 1, page), RIG_DNR(NVMENS_SC_INVALID_COMMAND_SET));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns00_of_a_zoned_namespace_has_its_data)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = all_sets(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_ZNS, .auto_attach = 1});
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x1000);
  rig_end(r);
}
END_TEST

START_TEST(C15_a_shared_namespace_is_the_same_on_every_controller)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  static const uint8_t all[] = {NVMENS_CNS_NS, NVMENS_CNS_NS_DESC_LIST, NVMENS_CNS_NS_INDEPENDENT};

  rig_ns_auto(r, 1);
  for (size_t i = 0; i < sizeof(all); i++) {
    more_page(a, all[i], 1, page);
    more_page(b, all[i], 1, other);
    ck_assert_mem_eq(page, other, sizeof(page));
  }
  more_page(b, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->nmic & NVMENS_NMIC_SHARED, 1);
  rig_end(r);
}
END_TEST

START_TEST(C15_a_private_namespace_has_nmic_0)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1});
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->nmic, 0);
  rig_end(r);
}
END_TEST

START_TEST(R55_write_protection_shows_in_nsattr)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .write_protected = 1});
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->nsattr & NVMENS_NSATTR_WP, 1);
  more_page(c, NVMENS_CNS_NS_INDEPENDENT, 1, page);
  ck_assert_uint_eq(IND->nsattr & NVMENS_NSATTR_WP, 1);
  rig_end(r);
}
END_TEST

/* ---- CNS 03h ---- */

/* The identifier of this type in page, NULL if there is none. */
static const uint8_t *descriptor(uint8_t nidt, uint8_t *nidl)
{
  size_t at = 0;

  while (at + 4 <= sizeof(page) && page[at + 1]) {
    *nidl = page[at + 1];
    ck_assert_uint_eq(nvmens_get16(page + at + 2), 0);
    if (page[at] == nidt)
      return page + at + 4;
    at += 4 + (size_t)*nidl;
  }
  return NULL;
}

START_TEST(R5_cns03_has_a_descriptor_for_each_identifier)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  const nvmens_ns_config config = {
      .nsid = 1,
      .auto_attach = 1,
      .ident = {.uuid = {1, [15] = 2}, .nguid = {3, [15] = 4}, .eui64 = {5, [7] = 6}}};
  uint8_t nidl = 0;

  rig_ns_new(r, &config);
  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page);
  ck_assert_mem_eq(descriptor(NVMENS_NIDT_UUID, &nidl), config.ident.uuid, 16);
  ck_assert_uint_eq(nidl, 16);
  ck_assert_mem_eq(descriptor(NVMENS_NIDT_NGUID, &nidl), config.ident.nguid, 16);
  ck_assert_uint_eq(nidl, 16);
  ck_assert_mem_eq(descriptor(NVMENS_NIDT_EUI64, &nidl), config.ident.eui64, 8);
  ck_assert_uint_eq(nidl, 8);
  rig_end(r);
}
END_TEST

START_TEST(R5_cns03_has_no_descriptor_for_an_identifier_of_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t nidl;

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .ident = {.eui64 = {1}}});
  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page);
  ck_assert_ptr_nonnull(descriptor(NVMENS_NIDT_EUI64, &nidl));
  ck_assert_ptr_null(descriptor(NVMENS_NIDT_UUID, &nidl));
  ck_assert_ptr_null(descriptor(NVMENS_NIDT_NGUID, &nidl));
  rig_end(r);
}
END_TEST

START_TEST(R6_cns03_tells_the_command_set)
{
  rig *r = rig_new(&rich);
  rig_ctrl *c = all_sets(r);
  uint8_t nidl = 0;

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_ZNS, .auto_attach = 1});
  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page);
  ck_assert_ptr_nonnull(descriptor(NVMENS_NIDT_CSI, &nidl));
  ck_assert_uint_eq(nidl, 1);
  ck_assert_uint_eq(*descriptor(NVMENS_NIDT_CSI, &nidl), NVMENS_CSI_ZNS);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns03_of_an_inactive_namespace_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_loose(r, 1);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page), DNR02);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 2, page), DNR02);
  rig_end(r);
}
END_TEST

START_TEST(R6_cns03_of_fffffffe_and_ffffffff_is_invalid)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = NVMENS_NSID_MAX});
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 0xFFFFFFFE, page), DNR0B);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 0xFFFFFFFF, page), DNR0B);
  rig_end(r);
}
END_TEST

START_TEST(R5_cns03_is_fixed_for_life)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, other);
  ck_assert_int_eq(rig_resize(ns, 99), 0);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_reenable(c);
  more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page);
  ck_assert_mem_eq(page, other, sizeof(page));
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {R2_nsid_0_is_invalid,
                                R1_nsid_above_nn_is_invalid,
                                R1_nsid_nn_is_valid,
                                R6_cns00_of_an_active_namespace_has_its_data,
                                R6_cns00_has_the_formats_of_the_subsystem,
                                R6_cns00_has_the_namespaces_own_formats,
                                R5_cns00_has_nguid_and_eui64,
                                C12_cns00_of_an_inactive_namespace_is_all_zero,
                                R51_cns00_of_a_draining_namespace_is_all_zero,
                                R6_P14_cns00_of_all_namespaces_is_the_common_capabilities,
                                R6_cns00_of_all_namespaces_needs_namespace_management,
                                R6_cns00_of_a_namespace_without_logical_blocks_fails,
                                R6_cns00_of_a_zoned_namespace_has_its_data,
                                C15_a_shared_namespace_is_the_same_on_every_controller,
                                C15_a_private_namespace_has_nmic_0,
                                R55_write_protection_shows_in_nsattr,
                                R5_cns03_has_a_descriptor_for_each_identifier,
                                R5_cns03_has_no_descriptor_for_an_identifier_of_zero,
                                R6_cns03_tells_the_command_set,
                                R6_cns03_of_an_inactive_namespace_fails,
                                R6_cns03_of_fffffffe_and_ffffffff_is_invalid,
                                R5_cns03_is_fixed_for_life};

  return MORE_RUN("identify", tests);
}
