/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_host_config.c: the times of R63 and R67 in the configuration, and structures of a backend
 * that was built before there were these fields, or after.
 */
#include "disks.h"

START_TEST(R63_times_are_finite)
{
  nvmens_subsys_config config = {.host_wait_ns = UINT64_MAX};

  ck_assert_int_eq(rig_try(&config, 0), NVMENS_ERR_INVAL);
  config = (nvmens_subsys_config){.host_memory_ns = UINT64_MAX};
  ck_assert_int_eq(rig_try(&config, 0), NVMENS_ERR_INVAL);
  config = (nvmens_subsys_config){.host_wait_ns = UINT64_MAX - 1, .host_memory_ns = UINT64_MAX - 1};
  ck_assert_int_eq(rig_try(&config, 0), 0);
  config = (nvmens_subsys_config){.host_wait_ns = 1, .host_memory_ns = 1};
  ck_assert_int_eq(rig_try(&config, 0), 0);
}
END_TEST

/* T8: additions saturate; the end of such a time does not come. */
START_TEST(R63_a_time_that_is_all_but_infinite_does_not_wrap)
{
  rig *r = disks_rig(
      &(nvmens_subsys_config){.host_wait_ns = UINT64_MAX - 1, .host_memory_ns = UINT64_MAX - 1});
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(q, "1");
  b = disks_swap(r, 1, 'B');
  HEARS(p, "1");
  HEARS(p, "1");
  rig_poll(r);
  rig_pass(r, WAIT_NS);
  WANTED(b, p, HOST);
  rig_ctrl_del(q);
  ATTACHED(b, p);
  rig_poll(r);
  rig_pass(r, MEMORY_NS);
  WANTED(b, disks_down(r, 1), HOST);
  rig_end(r);
}
END_TEST

/* ---- of a backend that was built before there were these fields ---- */

static void complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0, uint64_t info)
{
  (void)user, (void)cmd, (void)status, (void)dw0, (void)info;
}

static void drop(void *user, nvmens_cmd *cmd)
{
  (void)user, (void)cmd;
}

static nvmens_status transfer(void *user, nvmens_cmd *cmd, void *data, size_t len, nvmens_dir dir)
{
  (void)user, (void)cmd, (void)data, (void)len, (void)dir;
  return (nvmens_status){0};
}

static int new_sized(const void *config, size_t size)
{
  const nvmens_host host = {.cmd_complete = complete, .cmd_drop = drop, .transfer = transfer};
  nvmens_subsys *s = NULL;
  int rc = nvmens_subsys_new_sized(&s, config, size, &host, sizeof(host), NULL, 0, NULL);

  if (rc == 0)
    ck_assert_int_eq(nvmens_subsys_del(s), 0);
  return rc;
}

START_TEST(R63_what_is_behind_the_end_of_a_configuration_is_not_read)
{
  nvmens_subsys_config config = {.host_wait_ns = UINT64_MAX, .host_memory_ns = UINT64_MAX};
  struct {
    nvmens_subsys_config config;
    uint64_t more;
  } longer = {.config = {.host_wait_ns = 5}};

  ck_assert_int_eq(new_sized(&config, offsetof(nvmens_subsys_config, host_wait_ns)), 0);
  ck_assert_int_eq(new_sized(&config, offsetof(nvmens_subsys_config, host_memory_ns)),
                   NVMENS_ERR_INVAL);
  config.host_wait_ns = 1;
  ck_assert_int_eq(new_sized(&config, offsetof(nvmens_subsys_config, host_memory_ns)), 0);
  ck_assert_int_eq(new_sized(&config, sizeof(config)), NVMENS_ERR_INVAL);
  ck_assert_int_eq(new_sized(&longer, sizeof(longer)), 0);
  longer.more = 1;
  ck_assert_int_eq(new_sized(&longer, sizeof(longer)), NVMENS_ERR_INVAL);
}
END_TEST

START_TEST(R63_a_query_fills_no_more_than_it_is_given)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1);
  rig_ns *b;
  nvmens_att_info att;
  nvmens_ctrl_info ctrl;
  nvmens_ns_info ns;

  disks_put(r, 1, 'A');
  b = disks_swap(r, 1, 'B');
  memset(&att, 0xEE, sizeof(att));
  memset(&ctrl, 0xEE, sizeof(ctrl));
  memset(&ns, 0xEE, sizeof(ns));
  ck_assert_int_eq(
      nvmens_att_query_sized(r->s, b->ref, p->c, &att, offsetof(nvmens_att_info, waits_for)), 0);
  ck_assert_int_eq(att.state, NVMENS_ATT_WANTED);
  ck_assert_int_eq(att.waits_for, 0xEE);
  ck_assert_int_eq(nvmens_ctrl_query_sized(p->c, &ctrl, offsetof(nvmens_ctrl_info, fenced)), 0);
  ck_assert_uint_eq(ctrl.wanted, 1);
  ck_assert_uint_eq(ctrl.fenced, 0xEEEEEEEE);
  ck_assert_int_eq(nvmens_ns_query_sized(r->s, b->ref, &ns, offsetof(nvmens_ns_info, fenced)), 0);
  ck_assert_uint_eq(ns.wanted, 1);
  ck_assert_uint_eq(ns.fenced, 0xEEEEEEEE);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("host_config", R63_times_are_finite,
                 R63_a_time_that_is_all_but_infinite_does_not_wrap,
                 R63_what_is_behind_the_end_of_a_configuration_is_not_read,
                 R63_a_query_fills_no_more_than_it_is_given);
}
