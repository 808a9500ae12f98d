/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_numbers.c: CNTLIDs (R68) and NSIDs (R69) that the library chooses, by what hosts have had.
 */
#include "disks.h"

static rig_ctrl *at(rig *r, uint16_t cntlid, uint8_t host)
{
  return rig_ctrl_new(r,
                      &(nvmens_ctrl_config){.cntlid = cntlid, .cntlid_given = 1, .hostid = {host}});
}

START_TEST(R68_a_host_gets_the_cntlids_that_it_has_had)
{
  const uint8_t pci = _i ? 1 : 0;
  const nvmens_ctrl_config one = {.hostid = {1}, .pci = pci}, two = {.hostid = {2}, .pci = pci};
  rig *r = disks_rig(NULL);
  rig_ctrl *a = rig_ctrl_new(r, &one), *b = rig_ctrl_new(r, &one), *c;

  ck_assert_uint_eq(rig_cntlid(a), 0);
  ck_assert_uint_eq(rig_cntlid(b), 1);
  rig_ctrl_del(a);
  rig_ctrl_del(b);
  c = rig_ctrl_new(r, &two);
  ck_assert_uint_eq(rig_cntlid(c), 2); /* 0 and 1 are host 1's */
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, NULL)), 3);
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, &one)), 0);
  rig_ctrl_del(c);
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, &one)), 1);
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, &one)), 4); /* 2 is host 2's */
  ck_assert_uint_eq(rig_cntlid(rig_ctrl_new(r, &two)), 2);
  rig_end(r);
}
END_TEST

START_TEST(R68_a_cntlid_that_is_given_is_taken)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *a = disks_down(r, 1);

  rig_ctrl_del(a);
  ck_assert_uint_eq(rig_cntlid(at(r, 0, 2)), 0);
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 1)), 1);
  rig_end(r);
}
END_TEST

START_TEST(R68_the_last_sixteen_count)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c[17];
  unsigned i;

  for (i = 0; i < 17; i++)
    c[i] = disks_down(r, 1);
  for (i = 0; i < 17; i++)
    rig_ctrl_del(c[i]);
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 2)), 0); /* the first that went is nobody's */
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 1)), 1);
  rig_end(r);
}
END_TEST

START_TEST(R68_a_cntlid_that_goes_again_is_the_last_again)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c[16];
  unsigned i;

  for (i = 0; i < 16; i++)
    c[i] = disks_down(r, 1);
  for (i = 0; i < 16; i++)
    rig_ctrl_del(c[i]);
  c[0] = disks_down(r, 1);
  ck_assert_uint_eq(rig_cntlid(c[0]), 0);
  rig_ctrl_del(c[0]); /* the last, and counted once */
  rig_ctrl_del(at(r, 16, 1));
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 2)), 1); /* that went longest ago */
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 1)), 0);
  rig_end(r);
}
END_TEST

START_TEST(R69_an_nsid_that_is_owed_is_not_chosen)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, _i ? 1 : 0);

  ck_assert_uint_eq(disks_put(r, 0, 'A')->ref.nsid, 1);
  HEARS(c, "1");
  disks_take(r, 1);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 64, 1))->dw0, 2);
  ck_assert_uint_eq(disks_put(r, 0, 'C')->ref.nsid, 3);
  HEARS(c, "1 3");
  ck_assert_uint_eq(disks_put(r, 0, 'D')->ref.nsid, 4);
  HEARS(c, "4"); /* the path lets go */
  ck_assert_uint_eq(disks_put(r, 0, 'E')->ref.nsid, 1);
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

START_TEST(R69_an_nsid_that_is_given_is_taken)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  ck_assert_uint_eq(disks_swap(r, 1, 'B')->ref.nsid, 1);
  rig_end(r);
}
END_TEST

START_TEST(R69_an_nsid_that_is_remembered_is_not_chosen)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  disks_take(r, 1);
  rig_poll(r);
  ck_assert_uint_eq(disks_put(r, 0, 'B')->ref.nsid, 2);
  rig_pass(r, MEMORY_NS);
  ck_assert_uint_eq(disks_put(r, 0, 'C')->ref.nsid, 1);
  rig_end(r);
}
END_TEST

START_TEST(R69_where_all_are_owed_it_is_the_lowest)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.nn = 3});
  rig_ctrl *c = disks_path(r, 1);
  uint32_t i;

  for (i = 1; i <= 3; i++)
    disks_put(r, i, (char)i);
  disks_settle(c);
  for (i = 1; i <= 3; i++)
    disks_take(r, i);
  ck_assert_uint_eq(disks_put(r, 0, 'A')->ref.nsid, 1);
  WANTED(rig_find(r, 1), c, HOST);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("numbers");
  TCase *t = tcase_create("numbers");

  tcase_add_loop_test(t, R68_a_host_gets_the_cntlids_that_it_has_had, 0, 2);
  tcase_add_test(t, R68_a_cntlid_that_is_given_is_taken);
  tcase_add_test(t, R68_the_last_sixteen_count);
  tcase_add_test(t, R68_a_cntlid_that_goes_again_is_the_last_again);
  tcase_add_loop_test(t, R69_an_nsid_that_is_owed_is_not_chosen, 0, 2);
  tcase_add_test(t, R69_an_nsid_that_is_given_is_taken);
  tcase_add_test(t, R69_an_nsid_that_is_remembered_is_not_chosen);
  tcase_add_test(t, R69_where_all_are_owed_it_is_the_lowest);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
