/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_publish.c: the order of publication where hooks try to upset it, and what is left of an old
 * epoch (C8, R35).
 */
#include "rig_more.h"

typedef struct plan {
  rig_ctrl *c;
  rig_ns *changed, *fresh;
  nvmens_lane *lane;
  unsigned events;
  uint16_t sf; /* of a begin when the event came */
} plan;

/* In one hook a change and then an attach: the delivery for the first is queued before the second's
 * `attached`. */
static void change_and_attach(rig *r, const rig_event *e)
{
  plan *p = r->react_arg;

  if (e->kind == RIG_DETACHED) {
    ck_assert_int_eq(rig_resize(p->changed, 0x2000), 0);
    ck_assert_int_eq(rig_attach(p->fresh, p->c), 0);
  } else if (e->dw0 == RIG_EV4) {
    p->events++;
    p->sf = more_begin(r, p->lane, p->fresh->ref.nsid);
  }
}

START_TEST(C8_an_attach_is_announced_once_its_gate_is_open)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4), *other = rig_ctrl_on(r);
  plan p = {.c = c, .changed = rig_ns_loose(r, 1), .fresh = rig_ns_loose(r, 2), .sf = 0xFFFF};
  rig_ns *gone = rig_ns_loose(r, 3);

  p.lane = rig_lane(c);
  ck_assert_int_eq(rig_attach(p.changed, c), 0);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_int_eq(rig_attach(gone, other), 0);
  rig_aer(c);
  r->react = change_and_attach;
  r->react_arg = &p;
  r->react_on = RIG_BIT(RIG_DETACHED) | RIG_BIT(RIG_COMPLETE);
  ck_assert_int_eq(rig_detach(gone, other, NVMENS_ORDERLY, RIG_NEVER), 0);
  r->react = NULL;
  ck_assert_uint_eq(p.events, 1);
  ck_assert_uint_eq(p.sf, 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R35_a_stamp_of_an_old_epoch_does_nothing)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = 1});
  rig_ctrl *c = rig_ctrl_on(r);
  uint64_t stamp;

  for (unsigned before = 0; before < 2; before++) { /* also of the very first epoch */
    rig_post(c, NVMENS_AER_SMART, 0, 2, 1);
    ck_assert_uint_eq(rig_event_now(c), 0x00020001);
    stamp = nvmens_log_latch(c->c, 2);
    rig_reenable(c);
    rig_post(c, NVMENS_AER_SMART, 0, 2, 1);
    ck_assert_uint_eq(rig_event_now(c), 0x00020001);
    nvmens_log_was_read(c->c, 2, stamp);
    rig_check(r);
    ck_assert_uint_eq(rig_info(c).reported, 1); /* not told again, and not cleared */
    ck_assert_uint_eq(rig_heard(c), 0);
    nvmens_log_was_read(c->c, 2, nvmens_log_latch(c->c, 2));
    ck_assert_uint_eq(rig_info(c).reported, 0);
  }
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("publish", C8_an_attach_is_announced_once_its_gate_is_open,
                 R35_a_stamp_of_an_old_epoch_does_nothing);
}
