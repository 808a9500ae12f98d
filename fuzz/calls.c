/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c: the input is a list of public calls, with their arguments, and what the hooks answer.
 */
#include "target.h"
#include "world.h"

static void put32(uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t some_time(world *w)
{
  uint8_t b = byte_of(w);

  return b == 0xFF ? UINT64_MAX : (uint64_t)b * 250000000;
}

/* ---- objects ---- */

static void call_ctrl_new(world *w)
{
  nvmens_ctrl_config config = {0};
  uint8_t b = byte_of(w);

  config.cntlid_given = b & 1;
  config.cntlid = b >> 1 & 7;
  config.kind = b >> 4 == 15 ? NVMENS_CTRL_ADMIN : NVMENS_CTRL_IO;
  if (b >> 4 == 14)
    config.kind = NVMENS_CTRL_DISCOVERY;
  config.hostid[0] = b >> 4 & 3;
  config.pci = b >> 7;
  make_ctrl(w, b ? &config : NULL);
}

static void call_ctrl(world *w)
{
  controller *k = pick_ctrl(w);
  uint8_t b = byte_of(w);

  if (!k)
    return;
  switch (b & 7) {
  case 0:
    drop_ctrl(k);
    return;
  case 1:
    nvmens_ctrl_reset(k->c);
    return;
  case 2:
    nvmens_ctrl_shutdown(k->c);
    return;
  default:
    nvmens_ctrl_enable(k->c, (uint32_t)(b & 0xF0) >> 4 << 4);
  }
}

static void call_ns_new(world *w)
{
  nvmens_ns_config config = {.nsze = 64, .shared = 1, .auto_attach = 1};
  uint8_t b = byte_of(w), c = byte_of(w);

  config.nsid = b & 1 ? c % TARGET_NN : 0;
  config.shared = !(b & 2);
  config.auto_attach = !(b & 4);
  config.home_given = b >> 3 & 1;
  config.home_cntlid = c & 3;
  config.csi = b & 16 ? 2 : 0;
  config.nsze = (uint64_t)1 << (b >> 5) * 3;
  make_ns(w, &config);
}

static void call_ns(world *w)
{
  nvmens_nsref ref = pick_ns(w);
  uint8_t b = byte_of(w);
  nvmens_mode mode = b & 0x80 ? NVMENS_SURPRISE : NVMENS_ORDERLY;
  nvmens_ns_attrs attrs = {.set = b >> 4, .nsze = b, .write_protected = b & 1, .flbas = b >> 1 & 1};
  controller *k;

  switch (b & 7) {
  case 0:
  case 1:
    if ((k = pick_ctrl(w)))
      nvmens_ns_attach(w->s, ref, k->c);
    return;
  case 2:
  case 3:
    if ((k = pick_ctrl(w)))
      nvmens_ns_detach(w->s, ref, k->c, mode, w->now, some_time(w));
    return;
  case 4:
    nvmens_ns_plug(w->s, ref);
    return;
  case 5:
    nvmens_ns_update(w->s, ref, &attrs);
    return;
  default:
    nvmens_ns_unplug(w->s, ref, mode, w->now, some_time(w));
  }
}

static void call_answer(world *w)
{
  uint8_t b = byte_of(w);
  pending *p = &w->token[b % TOKENS];

  if (b >= 0xF0) /* of the past, or never given */
    nvmens_done(w->s, p->token + b - 0xF0, (nvmens_status){0});
  else if (p->token)
    answer_token(w, p, (nvmens_status){b & 0x40 ? 0x4006 : 0}, !(b & 0x20));
}

/* ---- commands ---- */

static void log_sqe(world *w, uint8_t *sqe)
{
  uint8_t b = byte_of(w);

  sqe[0] = 0x02;
  sqe[40] = b & 1 ? NVMENS_LID_CHANGED_ALLOCATED_NS : NVMENS_LID_CHANGED_ATTACHED_NS;
  sqe[41] = b & 2 ? 0x80 : 0;
  sqe[42] = b & 4 ? 1 : 0xFF;
  sqe[43] = b & 4 ? 0 : 3;
  put32(sqe + 48, b & 8 ? (uint32_t)(b >> 4) * 4 : 0);
}

static void identify_sqe(world *w, uint8_t *sqe)
{
  static const uint8_t cns[] = {0,    2,    3,    5,    6,    7,    8,   0x10,
                                0x11, 0x12, 0x13, 0x1A, 0x1B, 0x1C, 0x1F};
  uint8_t b = byte_of(w);

  sqe[0] = 0x06;
  sqe[40] = cns[b % sizeof(cns)];
  sqe[47] = b & 0x80 ? 2 : 0;
  put32(sqe + 4, byte_of(w) % TARGET_NN);
}

static void manage(world *w, controller *k, uint8_t *sqe)
{
  uint8_t b = byte_of(w), data[4096] = {0};

  put32(sqe + 4, byte_of(w) % TARGET_NN);
  sqe[40] = b & 1;
  if (b & 2) { /* Namespace Attachment */
    sqe[0] = 0x15;
    data[0] = (uint8_t)(b >> 2 & 3);
    for (int i = 0; i < 4; i++)
      data[2 + 2 * i] = (uint8_t)(b & 0x80 ? byte_of(w) : i);
  } else {
    sqe[0] = 0x0D;
    if (sqe[40])
      put32(sqe + 4, b & 4 ? UINT32_MAX : (uint32_t)(b >> 3));
    else
      put32(sqe + 4, 0);
    data[0] = data[8] = (uint8_t)(b & 4 ? 200 : 1);
    data[30] = b >> 6 & 1;
  }
  submit(w, k, sqe, data, sizeof(data));
}

static void call_admin(world *w)
{
  controller *k = pick_ctrl(w);
  uint8_t b = byte_of(w), sqe[64] = {0};

  if (!k)
    return;
  sqe[2] = (uint8_t)(w->cid++ & 15);
  switch (b & 7) {
  case 0:
  case 1:
    sqe[0] = 0x0C;
    break;
  case 2:
    log_sqe(w, sqe);
    break;
  case 3:
    identify_sqe(w, sqe);
    break;
  case 4:
    sqe[0] = b & 0x80 ? 0x0A : 0x09;
    sqe[40] = 0x0B;
    sqe[41] = b >> 5 & 3;
    put32(sqe + 44, b & 8 ? word_of(w) : UINT32_C(0x80100));
    break;
  case 5:
    sqe[0] = 0x08;
    sqe[42] = b >> 4;
    break;
  default:
    manage(w, k, sqe);
    return;
  }
  submit(w, k, sqe, NULL, 0);
}

static void call_event(world *w)
{
  controller *k = pick_ctrl(w);
  uint8_t b = byte_of(w), lid = b & 0x10 ? 2 : 1;

  if (!k)
    return;
  if (b & 8)
    nvmens_log_was_read(k->c, lid, nvmens_log_latch(k->c, lid) - (b >> 7));
  else if (b & 0x20)
    nvmens_aer_abort(k->c, b >> 6);
  else
    nvmens_event_post(k->c, b & 7, b >> 6, lid, b & 0x40 ? 1 : 0);
}

/* ---- data path ---- */

static void call_io(world *w)
{
  uint8_t b = byte_of(w);
  unsigned lane = b >> 4 & (LANES - 1);
  holding *h = &w->held[b >> 4];

  switch (b & 7) {
  case 0:
    make_lane(w, lane);
    return;
  case 1:
    if (b >= 0xC0 && w->lane[lane])
      drop_lane(w, lane);
    return;
  case 2:
    begin_io(w, lane, byte_of(w) % TARGET_NN, 1);
    return;
  case 3:
  case 4:
    if (h->used)
      end_io(w, h, b & 8);
    return;
  default:
    begin_io(w, lane, b & 8 ? word_of(w) : byte_of(w) % 8, 0);
  }
}

static void call_look(world *w)
{
  nvmens_nsref ref = pick_ns(w);
  controller *k = pick_ctrl(w);
  nvmens_ns_info ns;
  nvmens_att_info att;
  nvmens_ctrl_info ctrl;
  uint8_t page[4096];

  nvmens_ns_find(w->s, ref.nsid, &ref);
  nvmens_ns_query(w->s, ref, &ns);
  if (!k)
    return;
  if (nvmens_att_query(w->s, ref, k->c, &att) == 0)
    MUST(att.in_flight <= TICKETS);
  MUST(nvmens_ctrl_query(k->c, &ctrl) == 0);
  nvmens_identify_ctrl(k->c, page);
  nvmens_aec(k->c);
}

static void act(world *w)
{
  static void (*const calls[])(world *) = {call_ctrl,  call_ns,    call_ns,     call_ns_new,
                                           call_admin, call_admin, call_io,     call_io,
                                           call_event, call_look,  call_answer, call_ctrl_new};
  uint8_t b = byte_of(w);

  if (b >= 0xF8)
    w->fail_alloc = b - 0xF7u;
  else if (b >= 0xF0)
    world_poll(w, some_time(w));
  else
    calls[b % (sizeof(calls) / sizeof(calls[0]))](w);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
  static const uint8_t tnvmcap[] = {0, 1, 16};
  nvmens_subsys_config config = {.nn = TARGET_NN,
                                 .csi_supported = 5,
                                 .deadline_ns = 1000000000,
                                 .host_wait_ns = 1000000000,
                                 .host_memory_ns = UINT64_C(4000000000)};
  input in = {bytes, len};
  const uint8_t b = input_byte(&in);
  world w;

  config.mnan = b & 1 ? 4 : 0;
  config.maxcna = b & 2 ? 2 : 0;
  config.aerl_is_zero = b >> 2 & 1;
  config.mask_scope = b >> 3 & 1;
  config.inactive_io = b >> 4 & 1;
  config.gate_mode = b >> 5 & 1;
  config.tnvmcap.lo = (uint64_t)tnvmcap[(b >> 6) % 3] << 16;
  world_new(&w, in, &config);
  w.act = act;
  while (w.in.left) {
    act(&w);
    world_check(&w);
  }
  world_end(&w);
  return 0;
}
