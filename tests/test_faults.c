/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_faults.c: everything that can fail under a call fails, in each place, once and from then on:
 * each allocation, each transfer, each identify, each prepare (principle 4, invariants 21 and 22 of
 * docs/design.md; P2, P4; scenario 24). The call fails as its row says, hosts see nothing of it, no
 * event is lost, and made again it does what it would have done.
 *
 * A row is a scenario. How often each of the four is called in it stands in the row, so that a call
 * which begins to allocate, or asks the backend once more, fails here until somebody has looked.
 * What allocates nothing at all is in test_nomem.c; the two tables together name every function.
 */
#include "faults.h"
#include "picture.h"

enum { CTRLS = 4 };
enum { TRANSFER_SF = 0x00C4, PREPARE_SF = 0x40C5 }; /* the hooks' own, to be passed on */

/* ---- where it happens ---- */

/* Four controllers with a lane each; namespace 1 is everywhere, 2 nowhere; both events are on. */
static rig *with(uint32_t many)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 4096, .tnvmcap = {UINT64_C(1) << 40, 0}});

  r->no_check = 1;
  for (unsigned i = 0; i < CTRLS; i++) {
    rig_ctrl *c = rig_ctrl_on(r);

    RIG_OK(rig_set_aec(c, NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS));
    rig_lane(c);
  }
  rig_ns_auto(r, 1);
  rig_ns_loose(r, 2);
  for (uint32_t i = 0; i < many; i++)
    rig_ns_auto(r, 10 + i);
  r->no_check = 0;
  return r;
}

#define WORLD(name, many)                                                                          \
  static rig *name(void)                                                                           \
  {                                                                                                \
    return with(many);                                                                             \
  }
WORLD(small, 0)
WORLD(some, 20)
WORLD(named, 46)   /* with the next, the set of identities grows */
WORLD(brim, 62)    /* the logs of those allocated */
WORLD(brimful, 63) /* the counters of lanes, the logs */
WORLD(full, 255)   /* tables of slots, the logs */

/* Somebody waits for it: an event has been sent, and another is owed. */
static rig *heard(void)
{
  rig *r = small();

  ck_assert_uint_eq(rig_event_now(r->ctrl[0]), RIG_EV4);
  ck_assert_int_eq(rig_resize(rig_find(r, 1), 5), 0);
  return r;
}

/* Another namespace has NSID 1, and waits for the hosts; an event has been sent to the first. */
static rig *waited_for(void)
{
  rig *r = small();

  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_rest(r);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(r->ctrl[0]), RIG_EV4);
  return r;
}

/* The first host asks for no events and identifies by CNS 03h: it is barred until then (R64). */
static rig *fenced(void)
{
  rig *r = waited_for();
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_set_aec(r->ctrl[0], 0));
  rig_identify(r->ctrl[0], NVMENS_CNS_NS_DESC_LIST, 2, page);
  ck_assert_int_eq(more_att(rig_find(r, 1), r->ctrl[0]), NVMENS_ATT_FENCED);
  return r;
}

/* Namespace 2 drains on controller 2. */
static rig *drained(void)
{
  rig *r = small();

  rig_find(r, 2)->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(rig_find(r, 2), r->ctrl[2]), 0);
  ck_assert_int_eq(rig_detach(rig_find(r, 2), r->ctrl[2], NVMENS_ORDERLY, RIG_NEVER), 0);
  return r;
}

/* A host had namespace 2 attached explicitly, and disks: its controller has gone, or is going. */
static rig *left(int pending)
{
  rig *r = small();
  rig_ctrl *c = more_ctrl_of(r, 1);

  rig_find(r, 2)->drain = pending ? RIG_DRAIN_PENDING : RIG_DRAIN_DONE;
  ck_assert_int_eq(rig_attach(rig_find(r, 2), c), 0);
  rig_ctrl_del(c);
  ck_assert_int_eq(c->released, !pending);
  return r;
}

static rig *gone(void)
{
  return left(0);
}

static rig *going(void)
{
  return left(1);
}

static rig_cmd *waiting;

/* A create waits for its backend. */
static rig *asked(void)
{
  rig *r = small();

  r->prepare = RIG_PREPARE_PENDING;
  waiting = rig_host_create(r->ctrl[0], 100, 1);
  return r;
}

/* ---- the calls: 0, an NVMENS_ERR_*, or the status of a command ---- */

static int status(const rig_cmd *cmd)
{
  ck_assert_uint_eq(cmd->done, 1);
  return cmd->sf;
}

static int new_everywhere(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 3, .shared = 1, .auto_attach = 1}, NULL);
}

static int new_far_away(rig *r)
{
  return rig_ns_try(r, &(nvmens_ns_config){.nsid = 4096, .shared = 1, .auto_attach = 1}, NULL);
}

static int new_with_formats(rig *r)
{
  return rig_ns_try(
      r, &(nvmens_ns_config){.nsid = 3, .nlbaf = 2, .lbaf = {{.lbads = 9}, {.lbads = 12}}}, NULL);
}

static int new_ctrl(rig *r)
{
  return rig_ctrl_try(r, &(nvmens_ctrl_config){.cntlid = 0xFFEF, .cntlid_given = 1}, NULL);
}

static int new_ctrl_of_host(rig *r)
{
  return rig_ctrl_try(r, &(nvmens_ctrl_config){.hostid = {1}}, NULL);
}

static int new_lane(rig *r)
{
  nvmens_lane *made = NULL;
  int rc = nvmens_lane_new(&made, r->ctrl[0]->c);

  rig_check(r);
  nvmens_lane_del(made);
  return rc;
}

static int plug(rig *r)
{
  return rig_plug(rig_find(r, 2));
}

static int attach(rig *r)
{
  return rig_attach(rig_find(r, 2), r->ctrl[2]);
}

static int create(rig *r)
{
  return status(rig_host_create(r->ctrl[0], 100, 1));
}

static int answer_create(rig *r)
{
  if (!rig_is_open(waiting)) /* the first answer went wrong, and ended it */
    waiting = rig_host_create(r->ctrl[0], 100, 1);
  ck_assert_int_eq(rig_prepared(r, r->prepare_sf, NULL), 0);
  return status(waiting);
}

static int host_attach(rig *r)
{
  return status(rig_host_attach(r->ctrl[0], 2, r->ctrl[1]));
}

static int host_attach_done(rig *r)
{
  r->prepare = RIG_PREPARE_DONE;
  return host_attach(r);
}

static int host_detach(rig *r)
{
  return status(rig_host_detach(r->ctrl[0], 1, r->ctrl[1]));
}

static int host_delete(rig *r)
{
  return status(rig_host_delete(r->ctrl[0], 1));
}

static int host_delete_all(rig *r)
{
  return status(rig_host_delete(r->ctrl[0], NVMENS_NSID_ALL));
}

static uint8_t page[NVMENS_PAGE];

static int identify_list(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_ACTIVE_NS_LIST, 0, page));
}

static int identify_ctrls(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_CTRL_LIST, 0, page));
}

static int identify_ns(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS, 1, page));
}

static int identify_common(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS, NVMENS_NSID_ALL, page));
}

static int identify_ns_independent(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS_INDEPENDENT, 1, page));
}

static int identify_allocated(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_ALLOCATED_NS, 2, page));
}

static int identify_csi_ctrl(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_CSI_CTRL, 0, page));
}

/* R64: the fence opens only once the page has reached the host. */
static int identify_descriptors(rig *r)
{
  return status(rig_identify(r->ctrl[0], NVMENS_CNS_NS_DESC_LIST, 1, page));
}

/* R61: it counts only if it reached the host. */
static int read_log(rig *r)
{
  return status(rig_get_log(r->ctrl[0], RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
}

static int read_log_1c(rig *r)
{
  return status(rig_get_log(r->ctrl[0], RIG_LID1C, RIG_CONSUME, 0, sizeof(page), page));
}

static int peek_log(rig *r)
{
  return status(rig_get_log(r->ctrl[0], RIG_LID4, RIG_PEEK, 0, sizeof(page), page));
}

/* ---- the table ---- */

typedef enum kind { ALLOC, TRANSFER, IDENTIFY, PREPARE, KINDS } kind;
static const char *const kind_names[KINDS] = {"allocations", "transfers", "identifies", "prepares"};

typedef struct row {
  const char *what;
  const char *function; /* the public one that fails */
  rig *(*world)(void);
  int (*run)(rig *);
  int nomem; /* what comes of a failed allocation */
  unsigned calls[KINDS];
} row;

enum { E = NVMENS_ERR_NOMEM, S = NVMENS_SC_INTERNAL_ERROR };

#define ADMIN      "nvmens_admin"
#define SUBSYS_NEW "nvmens_subsys_new_sized"
static const row rows[] = {
    {"a namespace for four controllers", "nvmens_ns_new_sized", small, new_everywhere, E, {14}},
    {"a namespace when tables grow", "nvmens_ns_new_sized", full, new_everywhere, E, {30}},
    {"a namespace when counters grow", "nvmens_ns_new_sized", brimful, new_everywhere, E, {34}},
    {"a namespace far away", "nvmens_ns_new_sized", full, new_far_away, E, {43}},
    {"a namespace when the identities grow", "nvmens_ns_new_sized", named, new_everywhere, E, {14}},
    {"a namespace when logs grow", "nvmens_ns_new_sized", brim, new_everywhere, E, {21}},
    {"a namespace with formats of its own", "nvmens_ns_new_sized", small, new_with_formats, E, {3}},
    {"a controller that gets one", "nvmens_ctrl_new_sized", small, new_ctrl, E, {17}},
    {"a controller that gets many", "nvmens_ctrl_new_sized", some, new_ctrl, E, {95}},
    {"a controller that comes back", "nvmens_ctrl_new_sized", gone, new_ctrl_of_host, E, {11}},
    {"a controller that follows", "nvmens_ctrl_new_sized", going, new_ctrl_of_host, E, {15}},
    {"a lane", "nvmens_lane_new", small, new_lane, E, {1}},
    {"a lane when there are many", "nvmens_lane_new", full, new_lane, E, {1}},
    {"plug on four controllers", "nvmens_ns_plug", small, plug, E, {12}},
    {"plug when tables grow", "nvmens_ns_plug", full, plug, E, {29}},
    {"attach", "nvmens_ns_attach", small, attach, E, {3}},
    {"attach when tables grow", "nvmens_ns_attach", full, attach, E, {8}},
    {"attach while it drains", "nvmens_ns_attach", drained, attach, E, {0}},
    {"create", ADMIN, small, create, S, {4, 1, 0, 1}},
    {"create when logs grow", ADMIN, brim, create, S, {11, 1, 0, 1}},
    {"create when tables grow", ADMIN, full, create, S, {4, 1, 0, 1}},
    {"create, answered late", "nvmens_prepared", asked, answer_create, S, {2, 0, 0, 1}},
    {"attach by a host", ADMIN, small, host_attach, S, {5, 1, 0, 1}},
    {"attach by a host, prepared at once", ADMIN, small, host_attach_done, S, {5, 1}},
    {"detach by a host", ADMIN, small, host_detach, S, {2, 1}},
    {"delete", ADMIN, small, host_delete, S, {0}},
    {"delete all", ADMIN, full, host_delete_all, S, {0}},
    {"Identify 02h", ADMIN, small, identify_list, S, {0, 1}},
    {"Identify 13h", ADMIN, small, identify_ctrls, S, {0, 1}},
    {"Identify 00h", ADMIN, small, identify_ns, S, {0, 1, 1}},
    {"Identify 00h, all", ADMIN, small, identify_common, S, {0, 1, 1}},
    {"Identify 08h", ADMIN, small, identify_ns_independent, S, {0, 1, 1}},
    {"Identify 11h", ADMIN, small, identify_allocated, S, {0, 1, 1}},
    {"Identify 06h", ADMIN, small, identify_csi_ctrl, S, {0, 1, 1}},
    {"Identify 03h", ADMIN, small, identify_descriptors, S, {0, 1}},
    {"Identify 03h behind the fence", ADMIN, fenced, identify_descriptors, S, {0, 1}},
    {"a log is read", ADMIN, heard, read_log, S, {0, 1}},
    {"a log is read that is waited for", ADMIN, waited_for, read_log, S, {0, 1}},
    {"a log is read, the event not sent", ADMIN, heard, read_log_1c, S, {0, 1}},
    {"a log is looked at", ADMIN, heard, peek_log, S, {0, 1}},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* ---- the loop ---- */

static picture before, after, expected;

/* Of the row without a fault: what it calls, and what becomes of it. */
static void observe(const row *w)
{
  rig *r = w->world();
  unsigned have[KINDS];

  rig_log_clear(r);
  r->log_mask |= RIG_BIT(RIG_TRANSFER) | RIG_BIT(RIG_IDENTIFY) | RIG_BIT(RIG_PREPARE);
  have[ALLOC] = r->allocs;
  ck_assert_int_eq(w->run(r), 0);
  have[ALLOC] = r->allocs - have[ALLOC];
  have[TRANSFER] = rig_count(r, RIG_TRANSFER);
  have[IDENTIFY] = rig_count(r, RIG_IDENTIFY);
  /* One that says DONE at once cannot fail. */
  have[PREPARE] = r->prepare == RIG_PREPARE_DONE ? 0 : rig_count(r, RIG_PREPARE);
  if (w->world == asked)
    have[PREPARE] = 1;
  picture_take(r, &expected);
  rig_end(r);
  for (int k = 0; k < KINDS; k++)
    ck_assert_msg(have[k] == w->calls[k], "%s: %u %s, but its row says %u", w->what, have[k],
                  kind_names[k], w->calls[k]);
}

static void arm(rig *r, kind k, unsigned n, int persistent)
{
  r->failed = 0;
  r->fail_all = persistent;
  r->fail_alloc = k == ALLOC ? n : 0;
  r->fail_transfer = k == TRANSFER ? n : 0;
  r->transfer_sf = TRANSFER_SF;
  r->identify_fails = k == IDENTIFY;
  r->prepare_sf = k == PREPARE ? PREPARE_SF : 0;
}

static void inject(const row *w, kind k, unsigned n, int persistent)
{
  const int wanted[KINDS] = {w->nomem, TRANSFER_SF, NVMENS_SC_INTERNAL_ERROR, PREPARE_SF};
  rig *r = w->world();
  int rc;

  picture_take(r, &before);
  arm(r, k, n, persistent);
  rc = w->run(r);
  ck_assert_msg(rc == wanted[k], "%s: %Xh with %s %u failing", w->what, (unsigned)rc, kind_names[k],
                n);
  ck_assert(k != ALLOC || r->failed);
  arm(r, KINDS, 0, 0);
  rig_check(r);
  picture_take(r, &after);
  ck_assert_str_eq(after.text, before.text); /* it changed nothing */
  ck_assert_int_eq(w->run(r), 0);            /* and does now what it should have done */
  picture_take(r, &after);
  ck_assert_str_eq(after.text, expected.text);
  rig_end(r); /* nothing is left, and every object came back once */
}

/* An allocation fails once, and again with all that follow. */
static unsigned faults_of(const row *w)
{
  return 2 * w->calls[ALLOC] + w->calls[TRANSFER] + w->calls[IDENTIFY] + w->calls[PREPARE];
}

START_TEST(S24_every_fault_of_a_row)
{
  const row *w = &rows[_i];
  unsigned injected = 0;

  observe(w);
  for (int k = 0; k < KINDS; k++)
    for (unsigned n = 1; n <= w->calls[k]; n++)
      for (int persistent = 0; persistent <= (k == ALLOC); persistent++) {
        inject(w, (kind)k, n, persistent);
        injected++;
      }
  ck_assert_uint_eq(injected, faults_of(w));
}
END_TEST

START_TEST(S24_subsys_new)
{
  unsigned n = 1;

  for (; rig_try(NULL, n); n++)
    ck_assert_int_eq(rig_try(NULL, n), NVMENS_ERR_NOMEM);
  ck_assert_uint_eq(n - 1, 1);
}
END_TEST

/* The rows' functions are those that test_nomem.c leaves out. */
START_TEST(S24_every_function_that_allocates_has_a_row)
{
  for (unsigned i = 0; i < ROWS; i++)
    ck_assert_msg(faults_named(FAULTS_ALLOCATE, rows[i].function), "%s", rows[i].function);
  for (const char *at = FAULTS_ALLOCATE; *at; at += strcspn(at, " "), at += *at == ' ') {
    unsigned allocs = 0;

    for (unsigned i = 0; i < ROWS; i++)
      if (strncmp(rows[i].function, at, strcspn(at, " ")) == 0)
        allocs += rows[i].calls[ALLOC];
    ck_assert_msg(allocs || strncmp(at, SUBSYS_NEW, strlen(SUBSYS_NEW)) == 0, "%s", at);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("faults");
  TCase *tcase = tcase_create("faults");
  unsigned faults = 0;

  tcase_set_timeout(tcase, 60); /* sanitizers are slow */
  tcase_add_loop_test(tcase, S24_every_fault_of_a_row, 0, ROWS);
  tcase_add_test(tcase, S24_subsys_new);
  tcase_add_test(tcase, S24_every_function_that_allocates_has_a_row);
  suite_add_tcase(suite, tcase);
  for (unsigned i = 0; i < ROWS; i++)
    faults += faults_of(&rows[i]);
  printf("# %u faults in %u rows\n", faults, (unsigned)ROWS);
  fflush(stdout); /* before the first fork */
  return rig_main(suite);
}
