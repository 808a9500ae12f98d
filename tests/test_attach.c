/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_attach.c: the backend's own attach, detach, plug, unplug, update, find, and auto attach (the
 * tables "attachment" and "namespace" of docs/states.md; R24, R25, R38, P10-P12, P16).
 */
#include "rig_more.h"

static uint8_t page[NVMENS_PAGE];
#define ID_NS ((const nvmens_id_ns *)page)

static const char *active(rig_ctrl *c)
{
  return rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST);
}

static rig_ns *private_auto(rig *r, uint32_t nsid)
{
  return rig_ns_new(r, &(nvmens_ns_config){.nsid = nsid, .auto_attach = 1});
}

/* ---- attach ---- */

START_TEST(attachment_attach_of_detached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  ck_assert_str_eq(rig_log(r), "attached n1 c0");
  ck_assert_uint_eq(rig_att(ns, c).open, 1);
  rig_end(r);
}
END_TEST

START_TEST(attachment_attach_of_attached_exists)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1);
  rig_end(r);
}
END_TEST

START_TEST(R58_attach_of_draining_and_aborting_follows_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);            /* asked for already */
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0); /* withdrawn */
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  ck_assert_str_eq(rig_log(r),
                   "attached n1 c0; drain n1 c0; abort n1 c0; detached n1 c0; attached n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(attachment_attach_of_a_deleting_namespace_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, b), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_plug(ns), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_resize(ns, 5), NVMENS_ERR_BUSY);
  rig_end(r);
}
END_TEST

START_TEST(R25_attach_of_a_private_namespace_elsewhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(ns, b), 0);
  ck_assert_int_eq(rig_attach(ns, a), NVMENS_ERR_PRIVATE);
  ck_assert_int_eq(rig_detach(ns, b, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, a), 0); /* R58: follows the drain */
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_WANTED);
  ck_assert_uint_eq(rig_att(ns, a).waits_for, NVMENS_WAITS_FOR_DRAIN);
  ck_assert_int_eq(rig_attach(ns, b), NVMENS_ERR_PRIVATE); /* wanted counts */
  ck_assert_int_eq(rig_drained(ns, b), 0);
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

static uint16_t seen;

static void try_io(rig *r, const rig_event *e)
{
  rig_io io = rig_io_begin(r, r->react_arg, 1);

  (void)e;
  seen = io.sf;
  if (io.sf == 0)
    rig_io_end(&io);
}

START_TEST(attachment_the_gate_opens_after_the_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->react_arg = rig_lane(c);
  r->react = try_io;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(seen, NVMENS_SC_INTERNAL_PATH_ERROR); /* to be tried again: it opens soon */
  ck_assert_uint_eq(more_begin(r, r->react_arg, 1), 0);
  rig_end(r);
}
END_TEST

/* ---- detach ---- */

START_TEST(attachment_detach_of_detached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_NOT_ATTACHED);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), NVMENS_ERR_NOT_ATTACHED);
  ck_assert_str_eq(rig_log(r), "");
  rig_end(r);
}
END_TEST

START_TEST(attachment_detach_of_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_log_clear(r);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(ns->released, 0);
  rig_end(r);
}
END_TEST

START_TEST(attachment_abort_of_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  rig_log_clear(r);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0; detached n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(P10_a_hosts_detach_stays_until_an_explicit_attach)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  RIG_OK(rig_host_detach(a, 1, a));
  rig_reenable(a);
  rig_reenable(b);
  ck_assert_str_eq(active(a), "");
  ck_assert_str_eq(active(b), "1");
  ck_assert_int_eq(rig_attach(ns, a), 0);
  ck_assert_str_eq(active(a), "1");
  rig_end(r);
}
END_TEST

/* ---- auto attach and plug ---- */

START_TEST(R24_auto_attach_of_a_shared_namespace_is_everywhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_new(r, NULL);

  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_log(r), "attached n1 c0; attached n1 c1");
  rig_enable(b);
  ck_assert_str_eq(active(a), "1");
  ck_assert_str_eq(active(b), "1");
  rig_end(r);
}
END_TEST

START_TEST(P11_a_new_controller_gets_what_is_auto_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;

  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  rig_ns_auto(r, 3);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 0);
  c = rig_ctrl_new(r, NULL);
  ck_assert_str_eq(rig_log(r), "attached n1 c0; attached n3 c0");
  rig_enable(c);
  ck_assert_str_eq(active(c), "1 3");
  rig_end(r);
}
END_TEST

START_TEST(P11_a_namespace_plugged_before_the_enable_is_there)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  rig_ns_auto(r, 1);
  rig_enable(c);
  ck_assert_str_eq(active(c), "1");
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_goes_to_the_lowest_cntlid)
{
  rig *r = rig_new(NULL);
  rig_ctrl *high = rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 9, .cntlid_given = 1});
  rig_ctrl *low = rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 3, .cntlid_given = 1});
  rig_ns *ns = private_auto(r, 1);

  ck_assert_int_eq(more_att(ns, low), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(ns, high), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_goes_to_its_home)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(
      r, &(nvmens_ns_config){
             .nsid = 1, .auto_attach = 1, .home_given = 1, .home_cntlid = rig_cntlid(b)});

  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_waits_for_its_home)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b;
  rig_ns *ns = rig_ns_new(
      r, &(nvmens_ns_config){.nsid = 1, .auto_attach = 1, .home_given = 1, .home_cntlid = 7});

  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_DETACHED);
  b = rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 7, .cntlid_given = 1});
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(P12_a_private_namespace_goes_to_the_first_controller_that_comes)
{
  rig *r = rig_new(NULL);
  rig_ns *ns = private_auto(r, 1);
  rig_ctrl *a = rig_ctrl_new(r, NULL), *b = rig_ctrl_new(r, NULL);

  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(R22_auto_attach_takes_io_controllers_only)
{
  rig *r = rig_new(NULL);
  rig_ctrl *d = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY});
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  rig_ns *ns = rig_ns_auto(r, 1), *own = private_auto(r, 2);

  ck_assert_int_eq(more_att(ns, d), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(own, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(P10_plug_attaches_where_it_is_not_attached)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  RIG_OK(rig_host_detach(a, 1, a));
  rig_log_clear(r);
  ck_assert_int_eq(rig_plug(ns), 0); /* a host's detach notwithstanding */
  ck_assert_str_eq(rig_log(r), "attached n1 c0");
  ck_assert_str_eq(active(a), "1");
  ck_assert_str_eq(active(b), "1");
  rig_end(r);
}
END_TEST

START_TEST(P11_plug_sets_auto_attach)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b;
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_str_eq(active(a), "");
  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_str_eq(active(a), "1");
  b = rig_ctrl_on(r);
  ck_assert_str_eq(active(b), "1");
  rig_end(r);
}
END_TEST

START_TEST(P12_plug_of_a_private_namespace_attaches_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1});

  ck_assert_int_eq(rig_attach(ns, b), 0);
  ck_assert_int_eq(rig_plug(ns), 0); /* it has its controller (R56) */
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_WANTED);
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(rig_detach(ns, b, NVMENS_ORDERLY, RIG_NEVER), 0); /* ends auto attach */
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_DETACHED);
  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(R57_plug_while_draining_follows_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, a, 1);

  ck_assert_int_eq(rig_detach(ns, a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_DRAINING);
  ck_assert_int_eq(more_att(ns, b), NVMENS_ATT_ATTACHED);
  ck_assert_int_eq(rig_drained(ns, a), 0);
  ck_assert_int_eq(more_att(ns, a), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

/* ---- update ---- */

static int update(rig_ns *ns, const nvmens_ns_attrs *attrs)
{
  int rc = nvmens_ns_update(ns->rig->s, ns->ref, attrs);

  rig_check(ns->rig);
  return rc;
}

START_TEST(R38_a_resize_shows)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(rig_resize(ns, 0x55), 0);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x55);
  ck_assert_uint_eq(nvmens_get64(ID_NS->ncap), 0x55); /* 0: nsze */
  ck_assert_uint_eq(more_ns(ns).nsze, 0x55);
  rig_end(r);
}
END_TEST

START_TEST(R38_a_format_shows)
{
  rig *r = rig_new(&(nvmens_subsys_config){.lbaf = {{.lbads = 9}, {.lbads = 12}}, .nlbaf = 2});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(update(ns, &(nvmens_ns_attrs){.set = NVMENS_SET_FORMAT, .flbas = 1}), 0);
  more_page(c, NVMENS_CNS_NS, 1, page);
  ck_assert_uint_eq(ID_NS->flbas & 0xF, 1);
  ck_assert_uint_eq(more_ns(ns).lbads, 12);
  ck_assert_uint_eq(nvmens_get64(ID_NS->nsze), 0x1000); /* not named by set */
  rig_end(r);
}
END_TEST

START_TEST(R55_write_protection_comes_and_goes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_ns_attrs attrs = {.set = NVMENS_SET_WRITE_PROTECT, .write_protected = 1};

  ck_assert_int_eq(update(ns, &attrs), 0);
  RIG_FAILS(rig_host_delete(c, 1), RIG_DNR(NVMENS_SC_NS_WRITE_PROTECTED));
  attrs.write_protected = 0;
  ck_assert_int_eq(update(ns, &attrs), 0);
  RIG_OK(rig_host_delete(c, 1));
  rig_end(r);
}
END_TEST

START_TEST(R38_an_update_out_of_range_changes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ns *ns = rig_ns_auto(r, 1);
  static const nvmens_ns_attrs bad[] = {
      {.set = NVMENS_SET_SIZE, .nsze = 0},
      {.set = NVMENS_SET_SIZE, .nsze = 5, .ncap = 6},
      {.set = NVMENS_SET_FORMAT, .flbas = 1},
      {.set = NVMENS_SET_FORMAT | NVMENS_SET_SIZE, .flbas = 16, .nsze = 1},
      {.set = 0x10},
      {.set = NVMENS_SET_SIZE | 0x80000000, .nsze = 1},
  };

  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    ck_assert_int_eq(update(ns, &bad[i]), NVMENS_ERR_INVAL);
  ck_assert_uint_eq(more_ns(ns).nsze, 0x1000);
  ck_assert_uint_eq(more_ns(ns).flbas, 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      attachment_attach_of_detached,
      attachment_attach_of_attached_exists,
      R58_attach_of_draining_and_aborting_follows_the_drain,
      attachment_attach_of_a_deleting_namespace_is_busy,
      R25_attach_of_a_private_namespace_elsewhere,
      attachment_the_gate_opens_after_the_hook,
      attachment_detach_of_detached,
      attachment_detach_of_attached,
      attachment_abort_of_attached,
      P10_a_hosts_detach_stays_until_an_explicit_attach,
      R24_auto_attach_of_a_shared_namespace_is_everywhere,
      P11_a_new_controller_gets_what_is_auto_attached,
      P11_a_namespace_plugged_before_the_enable_is_there,
      P12_a_private_namespace_goes_to_the_lowest_cntlid,
      P12_a_private_namespace_goes_to_its_home,
      P12_a_private_namespace_waits_for_its_home,
      P12_a_private_namespace_goes_to_the_first_controller_that_comes,
      R22_auto_attach_takes_io_controllers_only,
      P10_plug_attaches_where_it_is_not_attached,
      P11_plug_sets_auto_attach,
      P12_plug_of_a_private_namespace_attaches_once,
      R57_plug_while_draining_follows_the_drain,
      R38_a_resize_shows,
      R38_a_format_shows,
      R55_write_protection_comes_and_goes,
      R38_an_update_out_of_range_changes_nothing,
  };

  return MORE_RUN("attach", tests);
}
