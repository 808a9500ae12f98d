/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.c: the input is submission queue entries as a host may send them, each with its data; and,
 * in between, time, resets and answers of the backend. Hooks answer with bytes of the input, too.
 *
 * An entry is a byte (which controller, what comes after), 64 bytes, two bytes for the length of
 * the data, and the data.
 */
#include "target.h"
#include "world.h"

static void between(world *w)
{
  const uint8_t b = byte_of(w);
  controller *k = pick_ctrl(w);

  if (b & 1)
    world_poll(w, (uint64_t)b * 20000000);
  for (unsigned i = 0; b & 2 && i < TOKENS; i++)
    if (w->token[i].token)
      answer_token(w, &w->token[i], (nvmens_status){b & 4 ? 0x4006 : 0}, 1);
  if (k && (b & 0x18) == 0x18) {
    nvmens_ctrl_reset(k->c);
    nvmens_ctrl_enable(k->c, b & 0x20 ? 0x60 : 0);
  }
  if (k && b >= 0xFC)
    nvmens_ctrl_shutdown(k->c);
  if (k && b & 0x40)
    nvmens_event_post(k->c, 1, b & 3, NVMENS_LID_SMART, 0);
}

static void one(world *w)
{
  const uint8_t b = byte_of(w);
  size_t have = 64, len;
  uint8_t sqe[64] = {0};
  const uint8_t *at = input_bytes(&w->in, &have), *data;
  controller *k;

  memcpy(sqe, at, have);
  len = byte_of(w);
  len |= (size_t)(byte_of(w) & 0x1F) << 8;
  data = input_bytes(&w->in, &len);
  k = w->ctrl[b % 2];
  if (k && k->c)
    submit(w, k, sqe, data, len);
  world_check(w);
  if (b & 2) {
    between(w);
    world_check(w);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
  nvmens_subsys_config config = {
      .nn = TARGET_NN, .csi_supported = 5, .deadline_ns = 1000000000, .aec_default = 0x80100};
  nvmens_ns_config ns = {.nsze = 8, .shared = 1, .auto_attach = 1};
  nvmens_ctrl_config ctrl = {.hostid = {1}};
  input in = {bytes, len};
  const uint8_t b = input_byte(&in);
  world w;

  config.tnvmcap.lo = b & 1 ? 1 << 20 : 0;
  config.mask_scope = b >> 1 & 1;
  config.aerl = b >> 2 & 3;
  world_new(&w, in, &config);
  for (int i = 0; i < 2; i++) {
    make_ctrl(&w, &ctrl);
    nvmens_ctrl_enable(w.ctrl[i]->c, b & 0x10 ? 0x60 : 0);
  }
  make_ns(&w, &ns);
  ns.csi = 2;
  ns.auto_attach = b >> 5 & 1;
  make_ns(&w, &ns);
  world_check(&w);
  while (w.in.left)
    one(&w);
  world_end(&w);
  return 0;
}
