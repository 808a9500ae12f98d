/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_config.c: arguments: NULL, out of range, sizes of structures, defaults, limits, and every
 * NVMENS_ERR_* (the comments of nvmens.h; R1, R4, R5, R22, R25, R54).
 */
#include "rig_more.h"

/* ---- a subsystem without the rig ---- */

static void complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                     uint64_t error_info)
{
  (void)ctrl_user, (void)cmd, (void)status, (void)dw0, (void)error_info;
}

static void drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user, (void)cmd;
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  const nvmens_status ok = {0};

  (void)ctrl_user, (void)cmd, (void)buf, (void)len, (void)dir;
  return ok;
}

static const nvmens_host least = {.cmd_complete = complete, .cmd_drop = drop, .transfer = transfer};

static int try_config(const nvmens_subsys_config *config)
{
  nvmens_subsys *s = NULL;
  int rc = nvmens_subsys_new(&s, config, &least, NULL, NULL);

  if (rc == 0)
    ck_assert_int_eq(nvmens_subsys_del(s), 0);
  return rc;
}
#define TRY(...) try_config(&(nvmens_subsys_config){__VA_ARGS__})

START_TEST(subsys_new_needs_its_arguments)
{
  nvmens_subsys *s;
  nvmens_host host;

  ck_assert_int_eq(nvmens_subsys_new(NULL, NULL, &least, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, NULL, NULL, NULL), NVMENS_ERR_INVAL);
  host = least;
  host.cmd_complete = NULL;
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &host, NULL, NULL), NVMENS_ERR_INVAL);
  host = least;
  host.cmd_drop = NULL;
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &host, NULL, NULL), NVMENS_ERR_INVAL);
  host = least;
  host.transfer = NULL;
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &host, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &least, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

START_TEST(subsys_new_of_values_in_range)
{
  ck_assert_int_eq(TRY(.nn = 1), 0);
  ck_assert_int_eq(TRY(.nn = NVMENS_NSID_MAX), 0);
  ck_assert_int_eq(TRY(.nn = 5, .mnan = 5), 0);
  ck_assert_int_eq(TRY(.max_ctrls = 0xFFF0), 0);
  ck_assert_int_eq(TRY(.aerl = 255), 0);
  ck_assert_int_eq(TRY(.aerl_is_zero = 1), 0);
  ck_assert_int_eq(TRY(.mask_scope = NVMENS_MASK_EVENT), 0);
  ck_assert_int_eq(TRY(.inactive_io = NVMENS_IO_SPEC), 0);
  ck_assert_int_eq(TRY(.gate_mode = NVMENS_GATE_FENCE), 0);
  ck_assert_int_eq(TRY(.csi_supported = 0x80000001), 0);
  ck_assert_int_eq(TRY(.nlbaf = 2, .lbaf = {{.lbads = 9}, {.lbads = 32, .rp = 3}}), 0);
}
END_TEST

START_TEST(R13_there_are_as_many_formats_as_have_room)
{
  nvmens_subsys_config config = {.nlbaf = NVMENS_LBAFS};

  for (int i = 0; i < NVMENS_LBAFS; i++)
    config.lbaf[i].lbads = 9;
  ck_assert_int_eq(try_config(&config), 0);
}
END_TEST

START_TEST(R1_subsys_new_of_values_out_of_range)
{
  ck_assert_int_eq(TRY(.nn = 0xFFFFFFFF), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.nn = 4, .mnan = 5), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.mnan = 1025), NVMENS_ERR_INVAL); /* nn is 1024 */
  ck_assert_int_eq(TRY(.max_ctrls = 0xFFF1), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.mask_scope = 2), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.inactive_io = 2), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.gate_mode = 2), NVMENS_ERR_INVAL);
}
END_TEST

START_TEST(R13_subsys_new_of_formats_out_of_range)
{
  ck_assert_int_eq(TRY(.nlbaf = 1, .lbaf = {{.lbads = 8}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.nlbaf = 1, .lbaf = {{.lbads = 33}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.nlbaf = 1, .lbaf = {{.lbads = 9, .rp = 4}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.nlbaf = 2, .lbaf = {{.lbads = 9}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY(.nlbaf = 17, .lbaf = {{.lbads = 9}}), NVMENS_ERR_INVAL);
}
END_TEST

START_TEST(subsys_new_with_the_c_librarys_memory)
{
  nvmens_subsys *s;
  nvmens_ctrl *c;
  nvmens_nsref ref;
  const nvmens_ns_config config = {
      .nsid = 1, .shared = 1, .auto_attach = 1, .nsze = 8, .ident = {.eui64 = {1}}};

  ck_assert_int_eq(nvmens_subsys_new(&s, NULL, &least, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_new(&c, s, NULL, NULL), 0);
  ck_assert_int_eq(nvmens_ns_new(s, &config, NULL, &ref), 0); /* no hooks but the required */
  ck_assert_int_eq(nvmens_ns_unplug(s, ref, NVMENS_SURPRISE, 0, 0), 0);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

/* ---- structures are versioned by size ---- */

START_TEST(a_shorter_config_ends_in_zeroes)
{
  nvmens_subsys *s;
  nvmens_ctrl *c;
  nvmens_id_ctrl id;
  const nvmens_subsys_config config = {.nn = 7, .mnan = 3, .aerl = 200, .gate_mode = 99};

  ck_assert_int_eq(nvmens_subsys_new_sized(&s, &config, offsetof(nvmens_subsys_config, mnan),
                                           &least, sizeof(least), NULL, 0, NULL),
                   0);
  ck_assert_int_eq(nvmens_ctrl_new(&c, s, NULL, NULL), 0);
  memset(&id, 0, sizeof(id));
  nvmens_identify_ctrl(c, &id);
  ck_assert_uint_eq(nvmens_get32(id.nn), 7);
  ck_assert_uint_eq(nvmens_get32(id.mnan), 0);
  ck_assert_uint_eq(id.aerl, 3);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

START_TEST(a_longer_config_must_end_in_zeroes)
{
  nvmens_subsys *s;
  struct {
    nvmens_subsys_config config;
    uint8_t more[16]; /* no padding behind it */
  } c = {.config = {.nn = 7}};
  struct {
    nvmens_host host;
    uint8_t more[16]; /* no padding behind it */
  } h = {.host = least};

  ck_assert_int_eq(
      nvmens_subsys_new_sized(&s, &c.config, sizeof(c), &h.host, sizeof(h), NULL, 0, NULL), 0);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
  c.more[8] = 1;
  ck_assert_int_eq(
      nvmens_subsys_new_sized(&s, &c.config, sizeof(c), &least, sizeof(least), NULL, 0, NULL),
      NVMENS_ERR_INVAL);
  h.more[0] = 1;
  ck_assert_int_eq(nvmens_subsys_new_sized(&s, NULL, 0, &h.host, sizeof(h), NULL, 0, NULL),
                   NVMENS_ERR_INVAL);
}
END_TEST

START_TEST(a_shorter_host_has_no_more_hooks)
{
  nvmens_subsys *s;

  ck_assert_int_eq(
      nvmens_subsys_new_sized(&s, NULL, 0, &least, offsetof(nvmens_host, transfer), NULL, 0, NULL),
      NVMENS_ERR_INVAL); /* transfer is required */
  ck_assert_int_eq(
      nvmens_subsys_new_sized(&s, NULL, 0, &least, offsetof(nvmens_host, prepare), NULL, 0, NULL),
      0);
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
}
END_TEST

START_TEST(other_structures_are_versioned_too)
{
  rig *r = rig_new(NULL);
  nvmens_ctrl *c;
  nvmens_nsref ref;
  struct {
    nvmens_ns_config config;
    uint8_t more[64];
  } n = {.config = {.nsze = 1, .ident = {.eui64 = {1}}}};
  struct {
    nvmens_ctrl_config config;
    uint8_t more[64];
  } k = {.config = {.kind = NVMENS_CTRL_IO}};
  struct {
    nvmens_ns_attrs attrs;
    uint8_t more[64];
  } a = {.attrs = {.set = NVMENS_SET_OTHER}};
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_int_eq(nvmens_ns_update_sized(r->s, ns->ref, &a.attrs, sizeof(a)), 0);
  ck_assert_int_eq(nvmens_ns_update_sized(r->s, ns->ref, &a.attrs, 4), 0); /* set alone */
  memset(n.more, 1, sizeof(n.more));
  memset(k.more, 1, sizeof(k.more));
  memset(a.more, 1, sizeof(a.more));
  ck_assert_int_eq(nvmens_ns_new_sized(r->s, &n.config, sizeof(n), NULL, &ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_new_sized(&c, r->s, &k.config, sizeof(k), NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_update_sized(r->s, ns->ref, &a.attrs, sizeof(a)), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

/* ---- controllers and namespaces ---- */

START_TEST(ctrl_new_needs_its_arguments)
{
  rig *r = rig_new(NULL);
  nvmens_ctrl *c;

  ck_assert_int_eq(nvmens_ctrl_new(NULL, r->s, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_new(&c, NULL, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_ctrl_try(r, &(nvmens_ctrl_config){.kind = 4}, NULL), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

static int try_ns(rig *r, const nvmens_ns_config *config)
{
  int rc = rig_ns_try(r, config, NULL);

  ck_assert_ptr_null(rig_find(r, 3));
  return rc;
}
#define TRY_NS(...) try_ns(r, &(nvmens_ns_config){.nsid = 3, __VA_ARGS__})

START_TEST(R5_a_namespace_needs_an_identity_and_a_size)
{
  rig *r = rig_new(NULL);
  nvmens_nsref ref;
  nvmens_ns_config config = {.nsze = 1};

  ck_assert_int_eq(nvmens_ns_new(r->s, &config, NULL, &ref), NVMENS_ERR_INVAL);
  config = (nvmens_ns_config){.ident = {.uuid = {1}}};
  ck_assert_int_eq(nvmens_ns_new(r->s, &config, NULL, &ref), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

START_TEST(R1_ns_new_of_values_out_of_range)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 10});

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 11}, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 0xFFFFFFFF}, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.nsze = 4, .ncap = 5), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.flbas = 1), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.nlbaf = 17, .lbaf = {{.lbads = 9}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.nlbaf = 1, .lbaf = {{.lbads = 8}}), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.nlbaf = 1, .lbaf = {{.lbads = 9}}, .flbas = 1), NVMENS_ERR_INVAL);
  ck_assert_int_eq(TRY_NS(.home_given = 1, .home_cntlid = 0xFFF0), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

START_TEST(R1_ns_new_of_the_largest_values)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 10});

  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 10}, NULL), 0);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsze = 4, .ncap = 4}, NULL), 0);
  ck_assert_int_eq(/* R25 */
                   rig_ns_try(r, &(nvmens_ns_config){.home_given = 1, .home_cntlid = 0xFFEF}, NULL),
                   0);
  rig_end(r);
}
END_TEST

START_TEST(R22_ns_new_of_an_unsupported_command_set)
{
  rig *r = rig_new(NULL);

  ck_assert_int_eq(TRY_NS(.csi = NVMENS_CSI_ZNS), NVMENS_ERR_COMMAND_SET);
  ck_assert_int_eq(TRY_NS(.csi = 32), NVMENS_ERR_COMMAND_SET);
  ck_assert_int_eq(TRY_NS(.csi = 255), NVMENS_ERR_COMMAND_SET);
  rig_end(r);
}
END_TEST

START_TEST(R22_attach_of_a_command_set_that_is_not_enabled)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 5});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_new(r, &(nvmens_ns_config){.nsid = 1, .csi = NVMENS_CSI_ZNS});

  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_COMMAND_SET);
  rig_end(r);
}
END_TEST

START_TEST(R22_attach_beyond_the_limits)
{
  rig *r = rig_new(&(nvmens_subsys_config){.maxcna = 2, .maxdna = 3});
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  rig_ns *n1 = rig_ns_loose(r, 1), *n2 = rig_ns_loose(r, 2), *n3 = rig_ns_loose(r, 3);

  ck_assert_int_eq(rig_attach(n1, a), 0);
  ck_assert_int_eq(rig_attach(n2, a), 0);
  ck_assert_int_eq(rig_attach(n3, a), NVMENS_ERR_LIMIT); /* MAXCNA */
  ck_assert_int_eq(rig_attach(n1, b), 0);
  ck_assert_int_eq(rig_attach(n2, b), NVMENS_ERR_LIMIT); /* MAXDNA */
  rig_end(r);
}
END_TEST

START_TEST(null_is_refused_everywhere)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_nsref ref;
  nvmens_lane *lane;
  const nvmens_ns_config config = {.nsze = 1, .ident = {.eui64 = {1}}};
  const nvmens_status ok = {0};

  ck_assert_int_eq(nvmens_ns_new(NULL, &config, NULL, &ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_new(r->s, NULL, NULL, &ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_attach(NULL, ns->ref, c->c), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_attach(r->s, ns->ref, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_detach(r->s, ns->ref, NULL, NVMENS_ORDERLY, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_plug(NULL, ns->ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_unplug(NULL, ns->ref, NVMENS_ORDERLY, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_find(NULL, 1, &ref), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_done(NULL, 1, ok), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_prepared(NULL, 1, ok, NULL, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_enable(NULL, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ctrl_query(c->c, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_ns_query(r->s, ns->ref, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_att_query(r->s, ns->ref, c->c, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_lane_new(NULL, c->c), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_lane_new(&lane, NULL), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_aer_abort(NULL, 1), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_event_post(NULL, 1, 1, 2, 0), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

START_TEST(a_mode_out_of_range_is_refused)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ck_assert_int_eq(rig_detach(ns, c, (nvmens_mode)2, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_unplug(ns, (nvmens_mode)2, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(a_controller_of_another_subsystem_is_refused)
{
  rig *r = rig_new(NULL), *other = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(other);
  rig_ns *ns = rig_ns_loose(r, 1);

  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_INVAL);
  rig_end(r);
  rig_end(other);
}
END_TEST

START_TEST(every_error_has_a_text)
{
  const char *first = nvmens_strerror(NVMENS_OK);

  ck_assert_ptr_nonnull(first);
  for (int e = NVMENS_ERR_NOT_FOUND; e < 0; e++) {
    ck_assert_ptr_nonnull(nvmens_strerror(e));
    for (int f = e + 1; f <= 0; f++)
      ck_assert_str_ne(nvmens_strerror(e), nvmens_strerror(f));
  }
  ck_assert_ptr_nonnull(nvmens_strerror(1));
  ck_assert_ptr_nonnull(nvmens_strerror(-1000));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      subsys_new_needs_its_arguments,
      subsys_new_of_values_in_range,
      R1_subsys_new_of_values_out_of_range,
      R13_subsys_new_of_formats_out_of_range,
      R13_there_are_as_many_formats_as_have_room,
      subsys_new_with_the_c_librarys_memory,
      a_shorter_config_ends_in_zeroes,
      a_longer_config_must_end_in_zeroes,
      a_shorter_host_has_no_more_hooks,
      other_structures_are_versioned_too,
      ctrl_new_needs_its_arguments,
      R5_a_namespace_needs_an_identity_and_a_size,
      R1_ns_new_of_values_out_of_range,
      R1_ns_new_of_the_largest_values,
      R22_ns_new_of_an_unsupported_command_set,
      R22_attach_of_a_command_set_that_is_not_enabled,
      R22_attach_beyond_the_limits,
      null_is_refused_everywhere,
      a_mode_out_of_range_is_refused,
      a_controller_of_another_subsystem_is_refused,
      every_error_has_a_text,
  };

  return MORE_RUN("config", tests);
}
