/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_hosts.c: what hosts require (C4, C8-C13, C15-C17); the rest of C is with its subject.
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

START_TEST(C4_no_event_between_the_rearmed_aer_and_the_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *aer;
  unsigned i;

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  aer = rig_aer(c); /* Linux re-arms at once, and scans later */
  for (i = 2; i < 50; i++)
    rig_ns_auto(r, i);
  ck_assert(rig_is_open(aer));
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(C9_the_list_is_continued_after_1024)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 5000});
  rig_ctrl *c = rig_ctrl_on(r);
  static uint32_t list[NVMENS_LIST_NSIDS];
  uint32_t i, after = 0, total = 0, n;

  r->no_check = 1;
  for (i = 1; i <= 1500; i++)
    rig_ns_auto(r, 3 * i);
  r->no_check = 0;
  do {
    n = rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, after, list);
    for (i = 0; i < n; i++) {
      RIG_MUST(list[i] == 3 * (total + i + 1)); /* strictly ascending, none left out */
      after = list[i];
    }
    total += n;
  } while (n);
  ck_assert_uint_eq(total, 1500);
  ck_assert_uint_eq(rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, 3 * 476, NULL), 1024);
  ck_assert_uint_eq(rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, 3 * 477 - 1, NULL), 1024);
  ck_assert_uint_eq(rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, 3 * 477, NULL), 1023);
  rig_end(r);
}
END_TEST

START_TEST(C10_nn_is_fixed_and_bounds_every_nsid)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 16});
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ctrl page;

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 17}, NULL), NVMENS_ERR_INVAL);
  rig_ns_auto(r, 16);
  memset(&page, 0, sizeof(page));
  nvmens_identify_ctrl(c->c, &page);
  ck_assert_uint_eq(nvmens_get32(page.nn), 16);
  rig_end(r);
}
END_TEST

START_TEST(C11_what_is_listed_has_descriptors_and_nothing_else)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns;
  uint8_t page[NVMENS_PAGE];

  rig_ns_auto(r, 1);
  ns = rig_ns_auto(r, 2);
  rig_ns_loose(r, 3);
  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 2, page), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 3, page), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(C12_an_inactive_namespace_reads_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t zero[NVMENS_PAGE];
  uint8_t page[NVMENS_PAGE];
  uint32_t nsid;

  rig_ns_loose(r, 1);
  for (nsid = 1; nsid <= 2; nsid++) { /* allocated but inactive; unallocated */
    memset(page, 0xEE, sizeof(page));
    RIG_OK(rig_identify(c, NVMENS_CNS_NS, nsid, page));
    ck_assert_mem_eq(page, zero, sizeof(page));
  }
  rig_end(r);
}
END_TEST

START_TEST(C13_nrdy_is_set_for_private_namespaces_too)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ns_independent page;

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1});
  rig_ns_auto(r, 2);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_INDEPENDENT, 1, &page));
  ck_assert_uint_eq(page.nstat & NVMENS_NSTAT_NRDY, NVMENS_NSTAT_NRDY);
  ck_assert_uint_eq(page.nmic & NVMENS_NMIC_SHARED, 0);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_INDEPENDENT, 2, &page));
  ck_assert_uint_eq(page.nstat & NVMENS_NSTAT_NRDY, NVMENS_NSTAT_NRDY);
  ck_assert_uint_eq(page.nmic & NVMENS_NMIC_SHARED, NVMENS_NMIC_SHARED);
  rig_end(r);
}
END_TEST

START_TEST(C15_identities_are_unique)
{
  rig *r = rig_new(NULL);
  nvmens_ns_config config = {.nsid = 1};
  unsigned field;

  memset(config.ident.uuid, 1, 16);
  memset(config.ident.nguid, 2, 16);
  memset(config.ident.eui64, 3, 8);
  rig_ns_new(r, &config);
  for (field = 0; field < 3; field++) {
    nvmens_ns_config other = {.nsid = 2};

    if (field == 0)
      memset(other.ident.uuid, 1, 16);
    else if (field == 1)
      memset(other.ident.nguid, 2, 16);
    else
      memset(other.ident.eui64, 3, 8);
    ck_assert_int_eq(rig_ns_try(r, &other, NULL), NVMENS_ERR_EXISTS);
  }
  rig_end(r);
}
END_TEST

START_TEST(C15_an_identity_is_free_again_after_release)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  const nvmens_ns_config same = {.nsid = 2, .ident = ns->ident};

  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_int_eq(rig_ns_try(r, &same, NULL), NVMENS_ERR_EXISTS);
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_int_eq(rig_ns_try(r, &same, NULL), 0);
  rig_end(r);
}
END_TEST

START_TEST(C15_a_shared_namespace_is_the_same_everywhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  static const uint8_t cns[] = {NVMENS_CNS_NS, NVMENS_CNS_NS_DESC_LIST, NVMENS_CNS_NS_INDEPENDENT};
  uint8_t one[NVMENS_PAGE], two[NVMENS_PAGE];
  unsigned i;

  rig_ns_auto(r, 1);
  for (i = 0; i < sizeof(cns); i++) {
    RIG_OK(rig_identify(c0, cns[i], 1, one));
    RIG_OK(rig_identify(c1, cns[i], 1, two));
    ck_assert_mem_eq(one, two, sizeof(one));
  }
  rig_end(r);
}
END_TEST

START_TEST(C16_a_path_that_was_never_there_is_no_path_error)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c[2];
  rig_ns *ns;
  rig_io io;
  unsigned i;

  for (i = 0; i < 2; i++) {
    c[i] = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {9}});
    rig_enable(c[i]);
  }
  ns = rig_ns_loose(r, 1);
  ck_assert_int_eq(rig_attach(ns, c[1]), 0);
  io = rig_io_begin(r, rig_lane(c[0]), 1); /* never attached to c[0] */
  ck_assert_uint_eq(io.sf, RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(C16_an_invalid_namespace_is_one_for_numbers_that_cannot_be)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 8});
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);

  ck_assert_uint_eq(rig_io_begin(r, lane, 0).sf, RIG_DNR(NVMENS_SC_INVALID_NS_OR_FORMAT));
  ck_assert_uint_eq(rig_io_begin(r, lane, 9).sf, RIG_DNR(NVMENS_SC_INVALID_NS_OR_FORMAT));
  ck_assert_uint_eq(rig_io_begin(r, lane, 0xFFFFFFFE).sf, RIG_DNR(NVMENS_SC_INVALID_NS_OR_FORMAT));
  ck_assert_uint_eq(rig_io_begin(r, lane, 8).sf, RIG_DNR(NVMENS_SC_INVALID_FIELD));
  ck_assert_uint_eq(rig_io_begin(r, lane, NVMENS_NSID_ALL).sf, RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(C17_late_io_is_always_answered)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);

  rig_unplug(rig_ns_auto(r, 1), NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(rig_io_begin(r, lane, 1).sf, RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_shutdown(c);
  ck_assert_uint_ne(rig_io_begin(r, lane, 1).sf, 0);
  rig_reset(c);
  ck_assert_uint_eq(rig_io_begin(r, lane, 1).sf, NVMENS_SC_ABORTED_SQ_DELETED);
  rig_end(r);
}
END_TEST

/* ---- a host that sends I/O as soon as it hears of a namespace ---- */

static uint16_t io_sf;

static void try_io_at_once(rig *r, const rig_event *e)
{
  rig_io io;

  if (e->dw0 != RIG_EV4)
    return;
  io = rig_io_begin(r, r->react_arg, 1);
  io_sf = io.sf;
  if (io.sf == 0)
    rig_io_end(&io);
}

START_TEST(C8_the_gate_is_open_when_the_event_comes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  io_sf = 0xFFFF;
  r->react = try_io_at_once;
  r->react_arg = rig_lane(c);
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_aer(c);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(io_sf, 0);
  rig_end(r);
}
END_TEST

static void park_in_attached(rig *r, const rig_event *e)
{
  if (e->kind == RIG_ATTACHED)
    rig_aer(e->ctrl);
  else
    try_io_at_once(r, e);
}

START_TEST(C8_the_gate_is_open_when_an_aer_comes_in_the_midst)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  io_sf = 0xFFFF;
  r->react = park_in_attached;
  r->react_arg = rig_lane(c);
  r->react_on = RIG_BIT(RIG_COMPLETE) | RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(io_sf, 0);
  rig_end(r);
}
END_TEST

static void refuse_io_at_once(rig *r, const rig_event *e)
{
  if (e->dw0 == RIG_EV4)
    io_sf = rig_io_begin(r, r->react_arg, 1).sf;
}

START_TEST(C8_the_gate_is_shut_when_the_event_of_a_removal_comes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ns->drain = RIG_DRAIN_PENDING;
  io_sf = 0;
  r->react = refuse_io_at_once;
  r->react_arg = rig_lane(c);
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_aer(c);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(io_sf, RIG_DNR(NVMENS_SC_INVALID_FIELD));
  r->react = NULL;
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "hosts", C4_no_event_between_the_rearmed_aer_and_the_read,
      C9_the_list_is_continued_after_1024, C10_nn_is_fixed_and_bounds_every_nsid,
      C11_what_is_listed_has_descriptors_and_nothing_else, C12_an_inactive_namespace_reads_zero,
      C13_nrdy_is_set_for_private_namespaces_too, C15_identities_are_unique,
      C15_an_identity_is_free_again_after_release, C15_a_shared_namespace_is_the_same_everywhere,
      C16_a_path_that_was_never_there_is_no_path_error,
      C16_an_invalid_namespace_is_one_for_numbers_that_cannot_be, C17_late_io_is_always_answered,
      C8_the_gate_is_open_when_the_event_comes, C8_the_gate_is_open_when_an_aer_comes_in_the_midst,
      C8_the_gate_is_shut_when_the_event_of_a_removal_comes);
}
