/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tables.c: every cell of the five tables is written; every one that goes or refuses is taken
 * by public calls, and none that is never. Some cells are looked up without a step: of those the
 * public answer is compared with the cell. The mark's: test_tables_mark.c.
 */
#include "cells.h"
#include "rig_more.h"

/* ---- shape ---- */

static bool rules_well_formed(const char *rule)
{
  while (*rule) {
    if (!strchr("RCPH", *rule++) || *rule < '1' || *rule > '9')
      return false;
    rule += strspn(rule, "0123456789");
    if (*rule == ' ' && rule[1])
      rule++;
    else if (*rule)
      return false;
  }
  return true;
}

static void check_cell(const nvmens_table *t, const nvmens_cell *c, const char *name)
{
  RIG_SAY(c->why && *c->why, "%s gives no reason", name);
  RIG_SAY(c->rule && rules_well_formed(c->rule), "%s: rule \"%s\"", name, c->rule ? c->rule : "-");
  RIG_SAY(c->next < t->states, "%s goes nowhere", name);
  RIG_SAY(c->kind == NVMENS_GO || !c->actions, "%s acts, but does not go", name);
  RIG_SAY(c->kind == NVMENS_REFUSE || (!c->sf && !c->err), "%s goes and answers", name);
  RIG_SAY(c->kind != NVMENS_REFUSE || c->sf || c->err, "%s refuses without an answer", name);
  RIG_SAY(c->err <= 0 && c->err >= NVMENS_ERR_NOT_FOUND, "%s answers what is no error", name);
  RIG_SAY(c->kind == NVMENS_GO || c->next == 0, "%s has a next state, but does not go", name);
}

START_TEST(tables_every_cell_is_written)
{
  for (unsigned m = 0; m < NVMENS_MACHINES; m++) {
    const nvmens_table *t = &nvmens_tables[m];

    RIG_MUST(t->states <= CELLS_STATES && t->events <= CELLS_EVENTS);
    for (unsigned e = 0; e < t->events; e++)
      for (unsigned s = 0; s < t->states; s++) {
        const nvmens_cell *c = &t->cell[e * t->states + s];

        RIG_SAY(c->kind <= NVMENS_REFUSE, "%s is of no kind", cells_name(m, e, s));
        check_cell(t, c, cells_name(m, e, s));
      }
  }
}
END_TEST

/* Everything has a name of its own. An action bit without a name would be read past the array. */
static void check_names(const char *const *name, unsigned n, const char *what)
{
  for (unsigned i = 0; i < n; i++) {
    RIG_SAY(name[i] && *name[i], "%s %u has no name", what, i);
    for (unsigned j = 0; j < i; j++)
      RIG_SAY(strcmp(name[i], name[j]) != 0, "%s %u and %u are both \"%s\"", what, j, i, name[i]);
  }
}

START_TEST(tables_everything_has_a_name)
{
  for (unsigned m = 0; m < NVMENS_MACHINES; m++) {
    const nvmens_table *t = &nvmens_tables[m];
    unsigned actions = 0, bits = 0;

    for (unsigned i = 0; i < (unsigned)t->events * t->states; i++)
      actions |= t->cell[i].actions;
    while (actions >> bits)
      bits++;
    RIG_SAY(actions == (1u << bits) - 1, "%s: an action that no cell does", t->name);
    check_names(t->state, t->states, "state");
    check_names(t->event, t->events, "event");
    check_names(t->action, bits, "action");
    ck_assert_str_eq(nvmens_machine_name(m), t->name);
    for (unsigned s = 0; s < t->states; s++)
      ck_assert_str_eq(nvmens_state_name(m, s), t->state[s]);
    for (unsigned e = 0; e < t->events; e++)
      ck_assert_str_eq(nvmens_event_name(m, e), t->event[e]);
    ck_assert_ptr_null(nvmens_state_name(m, t->states));
    ck_assert_ptr_null(nvmens_event_name(m, t->events));
  }
  ck_assert_ptr_null(nvmens_machine_name(NVMENS_MACHINES));
  ck_assert_ptr_null(nvmens_state_name(NVMENS_MACHINES, 0));
  ck_assert_ptr_null(nvmens_event_name(NVMENS_MACHINES, 0));
}
END_TEST

/* ---- what was taken ---- */

enum { UNSAID = 0 }; /* that side does not ask */

/* A refusal as it was heard: by the host, by the backend, or by both. */
static void heard(unsigned machine, unsigned event, unsigned state, int sf, int err)
{
  const nvmens_cell *c = nvmens_cell_of((nvmens_machine)machine, (uint8_t)state, event);

  RIG_SAY(c->kind == NVMENS_REFUSE, "%s does not refuse", cells_name(machine, event, state));
  RIG_SAY(sf == c->sf, "%s: the host is told %04x, not %04x", cells_name(machine, event, state),
          (unsigned)sf, c->sf);
  RIG_SAY(err == c->err, "%s: the backend is told %d, not %d", cells_name(machine, event, state),
          err, c->err);
  cells_taken[machine][event][state]++;
}
#define HEARD(machine, event, state, sf, err)                                                      \
  heard(NVMENS_M_##machine, NVMENS_EV_##event, NVMENS_##state, (sf), (err))

/* ---- controller ---- */

static void removed_in_every_state(rig *r)
{
  for (unsigned state = 0; state < 3; state++) {
    rig_ctrl *c = rig_ctrl_new(r, NULL);

    if (state)
      rig_enable(c);
    if (state == 2)
      rig_shutdown(c);
    rig_ctrl_del(c);
    ck_assert_int_eq(c->released, 1);
  }
}

START_TEST(R35_R37_every_cell_of_the_controller)
{
  rig *r = cells_rig(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  rig_ns *ns = more_pending(r, c, 1);
  nvmens_ctrl *going = c->c;

  rig_shutdown(c); /* DISABLED */
  rig_reset(c);
  rig_enable(c); /* READY */
  HEARD(CTRL, ENABLE, CTRL_READY, UNSAID, nvmens_ctrl_enable(c->c, 0));
  rig_reenable(c);
  rig_shutdown(c); /* SHUTDOWN */
  rig_shutdown(c);
  HEARD(CTRL, ENABLE, CTRL_SHUTDOWN, UNSAID, nvmens_ctrl_enable(c->c, 0));
  rig_reset(c);
  removed_in_every_state(r);
  rig_ctrl_del(c); /* GOING until its namespace is drained */
  ck_assert_int_eq(c->released, 0);
  HEARD(CTRL, ENABLE, CTRL_GOING, UNSAID, nvmens_ctrl_enable(going, 0));
  nvmens_ctrl_reset(going);
  nvmens_ctrl_shutdown(going);
  nvmens_ctrl_del(going);
  rig_check(r);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(c->released, 1);
  cells_all_taken(NVMENS_M_CTRL);
  cells_end(r);
}
END_TEST

/* ---- namespace ---- */

static int create_there(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 1, .shared = 1}, NULL);
}

/* What is said of a reference of the past. */
static void namespace_absent(rig *r, rig_ctrl *c, rig_ns *ns)
{
  HEARD(NS, DELETE, NS_ABSENT, rig_host_delete(c, 1)->sf, UNSAID);
  HEARD(NS, UNPLUG, NS_ABSENT, UNSAID, rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER));
  HEARD(NS, UNPLUG_SURPRISE, NS_ABSENT, UNSAID, rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER));
  HEARD(NS, UPDATE, NS_ABSENT, UNSAID, rig_resize(ns, 0x2000));
  ck_assert(!rig_find(r, 1));
}

START_TEST(R15_every_cell_of_the_namespace)
{
  rig *r = cells_rig(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = NULL;
  uint8_t page[NVMENS_PAGE];

  for (unsigned how = 0; how < 3; how++) { /* delete, unplug, surprise */
    ns = more_pending(r, c, 1);
    more_page(c, NVMENS_CNS_NS_DESC_LIST, 1, page); /* so that it is attached (R64) */
    HEARD(NS, CREATE, NS_ALLOCATED, UNSAID, create_there(r));
    ck_assert_int_eq(rig_resize(ns, 0x2000), 0);
    if (how == 0)
      rig_host_delete(c, 1);
    else
      ck_assert_int_eq(rig_unplug(ns, how == 1 ? NVMENS_ORDERLY : NVMENS_SURPRISE, RIG_NEVER), 0);
    HEARD(NS, CREATE, NS_DELETING, UNSAID, create_there(r));
    HEARD(NS, DELETE, NS_DELETING, rig_host_delete(c, 1)->sf, UNSAID);
    HEARD(NS, UPDATE, NS_DELETING, UNSAID, rig_resize(ns, 0x3000));
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
    ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER), 0);
    ck_assert_int_eq(rig_drained(ns, c), 0);
    ck_assert_int_eq(ns->released, 1);
    namespace_absent(r, c, ns);
  }
  cells_all_taken(NVMENS_M_NS);
  cells_end(r);
}
END_TEST

/* ---- attachment ---- */

static int orderly(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_SEC);
}

static int surprise(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_SURPRISE, RIG_SEC);
}

/* DETACHED, and for a controller that never had it. */
static void attachment_detached(rig *r)
{
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_loose(r, 0);

  for (unsigned had = 0; had < 2; had++) {
    const uint16_t sf = rig_host_detach(c, ns->ref.nsid, c)->sf;

    HEARD(ATTACHMENT, DETACH, ATT_DETACHED, sf, orderly(ns, c));
    HEARD(ATTACHMENT, ABORT, ATT_DETACHED, UNSAID, surprise(ns, c));
    ck_assert_int_eq(rig_attach(ns, c), 0);
    HEARD(ATTACHMENT, WANT, ATT_ATTACHED, rig_host_attach(c, ns->ref.nsid, c)->sf,
          rig_attach(ns, c));
    ck_assert_int_eq(orderly(ns, c), 0);
  }
  rig_ctrl_del(c); /* goes, with an attachment at rest */
}

/* Refusals while it drains; an attach is noted, and withdrawn. */
static void attachment_draining(rig_ns *ns, rig_ctrl *c, unsigned state)
{
  const uint32_t nsid = ns->ref.nsid;

  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_uint_eq((unsigned)more_att(ns, c), state);
  cells_taken[NVMENS_M_ATTACHMENT][NVMENS_EV_WANT][state]++;
  ck_assert_int_eq(orderly(ns, c), 0);
  ck_assert_uint_eq((unsigned)more_att(ns, c), state);
  heard(NVMENS_M_ATTACHMENT, NVMENS_EV_DETACH, state, rig_host_detach(c, nsid, c)->sf,
        orderly(ns, c));
}

/* Another namespace left; its NSID's next is WANTED, or FENCED where bit 8 is off (R57, R64). */
static rig_ns *waiting(rig *r, bool fenced)
{
  rig_ctrl *c = rig_listening(r, fenced ? 0 : RIG_BIT4);
  rig_ns *old = rig_ns_loose(r, 0), *ns;

  ck_assert_int_eq(rig_attach(old, c), 0);
  ck_assert_int_eq(rig_unplug(old, NVMENS_ORDERLY, RIG_NEVER), 0);
  ns = rig_ns_loose(r, old->ref.nsid);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(more_att(ns, c), fenced ? NVMENS_ATT_FENCED : NVMENS_ATT_WANTED);
  return ns;
}

/* Each end of WANTED and FENCED, but for being attached. */
static void attachment_waits(rig *r)
{
  for (unsigned how = 0; how < 10; how++) {
    rig_ns *ns = waiting(r, how % 2);
    rig_ctrl *c = r->ctrl[r->nctrl - 1];

    if (how / 2 == 0)
      ck_assert_int_eq(orderly(ns, c), 0);
    else if (how / 2 == 1)
      ck_assert_int_eq(surprise(ns, c), 0);
    else if (how / 2 < 4)
      ck_assert_int_eq(rig_unplug(ns, how / 2 == 2 ? NVMENS_ORDERLY : NVMENS_SURPRISE, RIG_SEC), 0);
    else
      rig_ctrl_del(c);
    if (how / 2 < 2)
      ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
    ck_assert(how / 2 < 4 || c->released);
  }
}

/* Both at once: a second attach is refused; then each is the other, and in the end attached. */
static void attachment_shows(rig *r)
{
  rig_ns *ns = waiting(r, false);
  rig_ctrl *c = r->ctrl[r->nctrl - 1];
  const uint32_t nsid = ns->ref.nsid;
  uint8_t page[NVMENS_PAGE];

  HEARD(ATTACHMENT, WANT, ATT_WANTED, rig_host_attach(c, nsid, c)->sf, rig_attach(ns, c));
  RIG_OK(rig_set_aec(c, 0));
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_FENCED);
  HEARD(ATTACHMENT, WANT, ATT_FENCED, rig_host_attach(c, nsid, c)->sf, rig_attach(ns, c));
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_WANTED);
  RIG_OK(rig_set_aec(c, 0));
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, nsid, page));
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ATTACHED);
}

/* Each way into and through DRAINING and ABORTING. */
static void attachment_drained(rig *r)
{
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 0);

  ck_assert_int_eq(orderly(ns, c), 0);
  attachment_draining(ns, c, NVMENS_ATT_DRAINING);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(surprise(ns, c), 0);
  attachment_draining(ns, c, NVMENS_ATT_ABORTING);
  ck_assert_int_eq(surprise(ns, c), 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(orderly(ns, c), 0);
  ck_assert_int_eq(surprise(ns, c), 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(orderly(ns, c), 0);
  rig_pass(r, 2ull * RIG_SEC);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  ck_assert_int_eq(rig_drained(ns, c), 0);
}

/* The namespace, or the controller, goes in every state but DETACHED. */
static void attachment_goes(rig *r)
{
  for (unsigned how = 0; how < 9; how++) {
    rig_ctrl *c = rig_ctrl_on(r);
    rig_ns *ns = more_pending(r, c, 0);

    if (how % 3)
      ck_assert_int_eq(how % 3 == 1 ? orderly(ns, c) : surprise(ns, c), 0);
    if (how / 3 < 2)
      rig_unplug(ns, how / 3 ? NVMENS_SURPRISE : NVMENS_ORDERLY, RIG_SEC);
    else
      rig_ctrl_del(c);
    ck_assert_int_eq(rig_drained(ns, c), 0);
  }
}

/* While `detached` runs for one controller, the drain for the other ends, and then the namespace
 * goes: the other's attachment is at rest, but not told yet. */
static void unplug_inside(rig *r, const rig_event *e)
{
  rig_ctrl *other = r->ctrl[r->nctrl - 1];

  r->react_on = 0;
  ck_assert_int_eq(rig_drained(e->ns, other), 0);
  ck_assert_int_eq(rig_unplug(e->ns, *(const nvmens_mode *)r->react_arg, RIG_SEC), 0);
}

static void attachment_at_rest(rig *r)
{
  for (nvmens_mode mode = NVMENS_ORDERLY; mode <= NVMENS_SURPRISE; mode++) {
    rig_ctrl *c = rig_ctrl_on(r), *other = rig_ctrl_on(r);
    rig_ns *ns = more_pending(r, c, 0);

    ck_assert_int_eq(rig_attach(ns, other), 0);
    ck_assert_int_eq(orderly(ns, c), 0);
    ck_assert_int_eq(orderly(ns, other), 0);
    r->react = unplug_inside;
    r->react_on = RIG_BIT(RIG_DETACHED);
    r->react_arg = &mode;
    ck_assert_int_eq(rig_drained(ns, c), 0);
    ck_assert_int_eq(ns->released, 1);
  }
}

START_TEST(R51_every_cell_of_the_attachment)
{
  rig *r = cells_rig(NULL);

  attachment_detached(r);
  attachment_drained(r);
  attachment_goes(r);
  attachment_at_rest(r);
  attachment_waits(r);
  attachment_shows(r);
  cells_all_taken(NVMENS_M_ATTACHMENT);
  cells_end(r);
}
END_TEST

/* ---- notice ---- */

/* The notice of log 1Ch in a state, its log not empty. */
static void into(rig_ctrl *c, unsigned state)
{
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT1C));
  rig_ns_loose(c->rig, 0);
  rig_ns_loose(c->rig, 0);
  if (state == NVMENS_NOTICE_REPORTED)
    ck_assert_uint_eq(rig_event_now(c), RIG_EV1C);
  else if (state == NVMENS_NOTICE_CLEAR)
    rig_changed(c, RIG_LID1C, RIG_CONSUME);
}

static void notice_events(rig_ctrl *c, unsigned event)
{
  uint8_t page[NVMENS_PAGE];

  switch (event) {
  case NVMENS_EV_CHANGE:
    rig_ns_loose(c->rig, 0);
    break;
  case NVMENS_EV_QUIET_CHANGE:
    RIG_OK(rig_host_delete(c, c->rig->ns->ref.nsid));
    break;
  case NVMENS_EV_READ:
    rig_changed(c, RIG_LID1C, RIG_CONSUME);
    break;
  case NVMENS_EV_READ_PART:
    RIG_OK(rig_host_delete(c, c->rig->ns->ref.nsid)); /* quiet, but there is something to read */
    RIG_OK(rig_get_log(c, RIG_LID1C, RIG_CONSUME, 0x400, 4, page));
    break;
  case NVMENS_EV_PEEK:
    rig_changed(c, RIG_LID1C, RIG_PEEK);
    break;
  case NVMENS_EV_BIT_OFF:
    RIG_OK(rig_set_aec(c, 0));
    break;
  default:
    rig_reset(c);
    break;
  }
}

START_TEST(R28_R30_R32_every_cell_of_the_notice)
{
  static const uint8_t events[] = {NVMENS_EV_CHANGE,      NVMENS_EV_QUIET_CHANGE, NVMENS_EV_READ,
                                   NVMENS_EV_READ_PART,   NVMENS_EV_PEEK,         NVMENS_EV_BIT_OFF,
                                   NVMENS_EV_NOTICE_RESET};
  rig *r = cells_rig(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  for (unsigned state = 0; state < 3; state++)
    for (size_t i = 0; i < sizeof(events); i++) {
      into(c, state);
      notice_events(c, events[i]);
    }
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT1C)); /* the bit goes on: CLEAR */
  RIG_OK(rig_set_aec(c, 0));
  rig_ns_loose(r, 0);
  RIG_OK(rig_set_aec(c, RIG_BIT1C)); /* PENDING */
  ck_assert_uint_eq(rig_event_now(c), RIG_EV1C);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00000103); /* clears itself */
  cells_all_taken(NVMENS_M_NOTICE);
  cells_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN("tables", tables_every_cell_is_written, tables_everything_has_a_name,
                 R35_R37_every_cell_of_the_controller, R15_every_cell_of_the_namespace,
                 R51_every_cell_of_the_attachment, R28_R30_R32_every_cell_of_the_notice);
}
