/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_strangers.c: nothing is known of the disks of a host that the subsystem finds connected when
 * it begins: it is not waited for, and told once more (R66).
 */
#include "disks.h"

static int detach(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
}

START_TEST(R66_a_stranger_is_told_once_more)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  uint8_t page[NVMENS_PAGE];

  if (_i)
    rig_poll(r);
  c = disks_path(r, 1); /* else before any time is known */
  disks_put(r, 1, 'A');
  disks_put(r, 2, 'B');
  ATTACHED(rig_find(r, 1), c);
  HEARS(c, "1 2");
  SILENT(c);
  r->fail_transfer = 1;
  RIG_FAILS(rig_identify(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, page), r->transfer_sf);
  SILENT(c);
  if (_i == 2)
    RIG_OK(rig_identify(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, page));
  else
    IDS(c, "1 2");
  HEARS(c, "1 2");
  SILENT(c);
  IDS(c, "1 2"); /* once only */
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R66_the_other_paths_are_told_of_what_a_stranger_has)
{
  rig *r = rig_new(NULL);
  rig_ctrl *p = disks_path(r, 1), *c, *other = disks_path(r, 2);

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'B');
  IDS(p, "1 2");
  disks_settle(p);
  IDS(other, "1 2");
  disks_settle(other);
  ck_assert_int_eq(detach(rig_find(r, 2), p), 0);
  HEARS(p, "2");
  c = disks_path(r, 1);
  IDS(c, "1 2");
  SILENT(p);
  HEARS(c, "1 2");
  HEARS(p, "1"); /* what they both have */
  SILENT(p);
  SILENT(other);
  rig_end(r);
}
END_TEST

/* p and c are paths of one host that have A and B, and p has read of both. c is a stranger; it has
 * got an event, and is about to read log 04h. */
static rig *to_read(rig_ctrl **p, rig_ctrl **c)
{
  rig *r = rig_new(NULL);

  *p = disks_path(r, 1);
  disks_put(r, 1, 'A');
  IDS(*p, "1");
  disks_settle(*p);
  *c = disks_path(r, 1);
  disks_put(r, 2, 'B');
  HEARS(*p, "2");
  ck_assert_uint_eq(rig_heard(*c), RIG_EV4);
  return r;
}

static void list_in_transfer(rig *r, const rig_event *e)
{
  r->react = NULL;
  IDS(e->ctrl, "1 2");
}

/* R61 a: its snapshot was taken before the list. _i: the list reaches the host while the log is on
 * its way, or between two pieces of it. */
START_TEST(R66_a_read_that_began_before_the_list_is_not_the_next_one)
{
  rig_ctrl *p, *c;
  rig *r = to_read(&p, &c);
  uint8_t page[NVMENS_PAGE];

  if (_i == 0) {
    r->react_on = RIG_BIT(RIG_TRANSFER);
    r->react = list_in_transfer;
    ck_assert_str_eq(disks_log(c), "2");
  } else {
    RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, NVMENS_PAGE / 2, page));
    IDS(c, "1 2");
    RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, NVMENS_PAGE / 2, NVMENS_PAGE / 2, page));
  }
  SILENT(p);
  HEARS(c, "1 2");
  HEARS(p, "1 2");
  SILENT(p);
  SILENT(c);
  rig_end(r);
}
END_TEST

static void shut_down(rig *r, const rig_event *e)
{
  r->react = NULL;
  nvmens_ctrl_shutdown(e->ctrl->c);
}

static void list_and_shut_down(rig *r, const rig_event *e)
{
  uint8_t page[NVMENS_PAGE];

  r->react = shut_down;
  RIG_OK(rig_identify(e->ctrl, NVMENS_CNS_ACTIVE_NS_LIST, 0, page));
}

/* H2: what it was told is lost with the epoch. */
START_TEST(R66_a_stranger_that_is_shut_down_as_it_lists_is_told_when_it_is_back)
{
  rig_ctrl *p, *c;
  rig *r = to_read(&p, &c);

  r->react_on = RIG_BIT(RIG_TRANSFER);
  r->react = list_and_shut_down;
  ck_assert_str_eq(disks_log(c), "2");
  SILENT(p);
  rig_reset(c);
  disks_listen(c);
  SILENT(c);
  IDS(c, "1 2");
  HEARS(c, "1 2");
  HEARS(p, "1 2");
  rig_end(r);
}
END_TEST

/* Of what the stranger has not, it is in nobody's way. */
START_TEST(R66_the_other_paths_are_not_told_of_what_a_stranger_only_waits_for)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 5});
  nvmens_ns_config zoned = disks_config(2, 'Z');
  rig_ctrl *p = disks_down(r, 1), *c;

  zoned.csi = NVMENS_CSI_ZNS;
  disks_enable(p, NVMENS_CSS_ALL);
  RIG_OK(rig_set_aec(p, RIG_BIT4));
  disks_put(r, 1, 'A');
  rig_ns_new(r, &zoned);
  IDS(p, "1 2");
  disks_settle(p);
  c = disks_path(r, 1);
  WANTED(rig_find(r, 2), c, COMMAND_SET);
  IDS(c, "1");
  HEARS(c, "1 2"); /* R59: 2 has left it, quietly */
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

START_TEST(R66_who_comes_later_is_no_stranger)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;

  disks_put(r, 1, 'A');
  rig_poll(r);
  rig_pass(r, _i ? MEMORY_NS + 1 : MEMORY_NS - 1);
  c = disks_path(r, 1);
  IDS(c, "1");
  if (_i == 0)
    HEARS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R66_who_has_its_disks_by_pci_or_is_unknown_is_no_stranger)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {_i ? 1 : 0}, .pci = _i ? 1 : 0});

  disks_put(r, 1, 'A');
  disks_listen(c);
  IDS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("strangers");
  TCase *t = tcase_create("strangers");

  tcase_add_loop_test(t, R66_a_stranger_is_told_once_more, 0, 3);
  tcase_add_test(t, R66_the_other_paths_are_told_of_what_a_stranger_has);
  tcase_add_loop_test(t, R66_a_read_that_began_before_the_list_is_not_the_next_one, 0, 2);
  tcase_add_test(t, R66_a_stranger_that_is_shut_down_as_it_lists_is_told_when_it_is_back);
  tcase_add_test(t, R66_the_other_paths_are_not_told_of_what_a_stranger_only_waits_for);
  tcase_add_loop_test(t, R66_who_comes_later_is_no_stranger, 0, 2);
  tcase_add_loop_test(t, R66_who_has_its_disks_by_pci_or_is_unknown_is_no_stranger, 0, 2);
  suite_add_tcase(s, t);
  return rig_main(s);
}
