/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_capacity.c: what is debited and credited, in 128 bits (R12, R15, R54).
 */
#include "rig_more.h"

#define INSUFFICIENT RIG_DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY)
#define GIB          (UINT64_C(1) << 30)

static rig_ctrl *c;

/* One controller; formats of 512 and 4096 bytes. */
static rig *rig_of(uint64_t lo, uint64_t hi)
{
  rig *r = rig_new(&(nvmens_subsys_config){
      .tnvmcap = {lo, hi}, .lbaf = {{.lbads = 9}, {.lbads = 12}}, .nlbaf = 2});

  c = rig_ctrl_on(r);
  return r;
}

static void expect_free(uint64_t lo, uint64_t hi)
{
  const nvmens_u128 u = more_unvmcap(c);

  ck_assert_uint_eq(u.lo, lo);
  ck_assert_uint_eq(u.hi, hi);
}

START_TEST(R54_all_is_free_at_first)
{
  rig *r = rig_of(GIB, 7);

  expect_free(GIB, 7);
  rig_end(r);
}
END_TEST

START_TEST(R54_a_namespace_is_debited)
{
  rig *r = rig_of(GIB, 0);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = 100, .ncap = 10});
  expect_free(GIB - 10 * 512, 0);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .nsze = 3, .flbas = 1});
  expect_free(GIB - 10 * 512 - 3 * 4096, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_create_is_debited_and_delete_credited)
{
  rig *r = rig_of(GIB, 0);

  RIG_OK(rig_host_create(c, 8, 1));
  expect_free(GIB - 8 * 512, 0);
  RIG_OK(rig_host_delete(c, 1));
  expect_free(GIB, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_attachments_cost_nothing)
{
  rig *r = rig_of(GIB, 0);

  rig_ctrl_on(r);
  rig_ns_auto(r, 1);
  expect_free(GIB - 0x1000 * 512, 0);
  rig_end(r);
}
END_TEST

START_TEST(R15_capacity_comes_back_at_released)
{
  rig *r = rig_of(GIB, 0);
  rig_ns *ns = more_pending(r, c, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  expect_free(GIB - 0x1000 * 512, 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  RIG_OK(cmd);
  expect_free(GIB, 0);
  rig_end(r);
}
END_TEST

START_TEST(R15_a_stuck_delete_gives_nothing_back_at_its_deadline)
{
  rig *r = rig_of(GIB, 0);
  rig_ns *ns = more_pending(r, c, 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  rig_pass(r, 10 * (uint64_t)RIG_SEC);
  RIG_OK(cmd);
  expect_free(GIB - 0x1000 * 512, 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  expect_free(GIB, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_the_last_byte_may_be_used)
{
  rig *r = rig_of(8 * 512, 0);

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1, .nsze = 9}, NULL),
                   NVMENS_ERR_CAPACITY);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1, .nsze = 8}, NULL), 0);
  expect_free(0, 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 2, .nsze = 1}, NULL),
                   NVMENS_ERR_CAPACITY);
  RIG_FAILS(rig_host_create(c, 1, 1), INSUFFICIENT);
  rig_end(r);
}
END_TEST

START_TEST(R54_a_remainder_of_less_than_a_block_is_no_block)
{
  rig *r = rig_of(511, 0);

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1, .nsze = 1}, NULL),
                   NVMENS_ERR_CAPACITY);
  rig_end(r);
}
END_TEST

START_TEST(R54_a_namespace_may_have_more_than_64_bits_of_bytes)
{
  rig *r = rig_of(5, 0x1000); /* 2^76 bytes, and 5 */

  /* 2^64 - 1 blocks of 512 bytes: 2^73 - 512 */
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = UINT64_MAX});
  expect_free(5 + 512, 0x1000 - 0x200);
  rig_ns_new(r, &(nvmens_ns_config){.nsid = 2, .nsze = UINT64_C(1) << 55});
  expect_free(5 + 512, 0x1000 - 0x201); /* 2^64 */
  rig_end(r);
}
END_TEST

START_TEST(R54_128_bits_do_not_wrap)
{
  rig *r = rig_of(GIB, 0);

  /* 2^55 blocks of 512 bytes are 2^64: nothing, if taken modulo 2^64 */
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1, .nsze = UINT64_C(1) << 55}, NULL),
                   NVMENS_ERR_CAPACITY);
  RIG_FAILS(rig_host_create(c, UINT64_C(1) << 55, 1), INSUFFICIENT);
  RIG_FAILS(rig_host_create(c, UINT64_MAX, 1), INSUFFICIENT);
  expect_free(GIB, 0);
  rig_end(r);
}
END_TEST

START_TEST(R12_a_create_that_does_not_fit_tells_the_bytes_needed)
{
  rig *r = rig_of(512, 0);
  rig_cmd *cmd = rig_host_create(c, 100, 1);

  RIG_FAILS(cmd, INSUFFICIENT);
  ck_assert_uint_eq(cmd->error_info, 100 * 512);
  expect_free(512, 0);
  rig_end(r);
}
END_TEST

START_TEST(R12_the_bytes_needed_saturate)
{
  rig *r = rig_of(512, 0);
  rig_cmd *cmd = rig_host_create(c, UINT64_C(1) << 55, 1); /* 2^64 bytes */

  RIG_FAILS(cmd, INSUFFICIENT);
  ck_assert_uint_eq(cmd->error_info, UINT64_MAX); /* 0 would say: none */
  rig_end(r);
}
END_TEST

START_TEST(R54_a_failed_create_costs_nothing)
{
  rig *r = rig_of(GIB, 0);

  r->prepare_sf = SF06;
  RIG_FAILS(rig_host_create(c, 8, 1), SF06);
  expect_free(GIB, 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 9999, .nsze = 1}, NULL),
                   NVMENS_ERR_INVAL);
  expect_free(GIB, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_a_resize_is_accounted)
{
  rig *r = rig_of(100 * 512, 0);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = 50});

  ck_assert_int_eq(rig_resize(ns, 100), 0);
  expect_free(0, 0);
  ck_assert_int_eq(rig_resize(ns, 101), NVMENS_ERR_CAPACITY);
  expect_free(0, 0);
  ck_assert_uint_eq(more_ns(ns).nsze, 100);
  ck_assert_int_eq(rig_resize(ns, 1), 0);
  expect_free(99 * 512, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_a_format_is_accounted)
{
  rig *r = rig_of(20 * 512, 0);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = 2});
  nvmens_ns_attrs attrs = {.set = NVMENS_SET_FORMAT, .flbas = 1};

  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), 0);
  expect_free(4 * 512, 0); /* 2 blocks of 4096 */
  attrs = (nvmens_ns_attrs){.set = NVMENS_SET_SIZE, .nsze = 3};
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_CAPACITY);
  attrs = (nvmens_ns_attrs){.set = NVMENS_SET_SIZE | NVMENS_SET_FORMAT, .nsze = 20};
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), 0); /* together */
  expect_free(0, 0);
  attrs = (nvmens_ns_attrs){.set = NVMENS_SET_FORMAT, .flbas = 1};
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &attrs), NVMENS_ERR_CAPACITY);
  ck_assert_uint_eq(more_ns(ns).flbas, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_without_a_total_nothing_is_accounted)
{
  rig *r = rig_of(0, 0);

  rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = UINT64_MAX});
  RIG_OK(rig_host_create(c, UINT64_MAX, 1));
  expect_free(0, 0);
  rig_end(r);
}
END_TEST

START_TEST(R54_an_unplug_is_credited)
{
  rig *r = rig_of(GIB, 3);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .nsze = UINT64_C(1) << 56});

  expect_free(GIB, 1);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  expect_free(GIB, 3);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R54_all_is_free_at_first,
      R54_a_namespace_is_debited,
      R54_create_is_debited_and_delete_credited,
      R54_attachments_cost_nothing,
      R15_capacity_comes_back_at_released,
      R15_a_stuck_delete_gives_nothing_back_at_its_deadline,
      R54_the_last_byte_may_be_used,
      R54_a_remainder_of_less_than_a_block_is_no_block,
      R54_a_namespace_may_have_more_than_64_bits_of_bytes,
      R54_128_bits_do_not_wrap,
      R12_a_create_that_does_not_fit_tells_the_bytes_needed,
      R12_the_bytes_needed_saturate,
      R54_a_failed_create_costs_nothing,
      R54_a_resize_is_accounted,
      R54_a_format_is_accounted,
      R54_without_a_total_nothing_is_accounted,
      R54_an_unplug_is_credited,
  };

  return MORE_RUN("capacity", tests);
}
