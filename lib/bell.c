/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bell.c: which gates may have been drained, so that poll counts no others. Floor 2.
 *
 * Any number of threads put slots on one list, and poll takes all of it at once. A slot is there
 * once: who sets `listed` puts it there. `next_rung` of the last slot is the slot itself.
 *
 * Order. A command that ends counts itself and then sets `listed`; poll clears it and then counts.
 * Both are exchanges, whatever they find. So either poll sees the end, or the slot is listed again
 * and wake called.
 */
#include "bell.h"

static void list(nvmens_bell *bell, nvmens_slot *slot)
{
  nvmens_slot *first = __atomic_load_n(&bell->ended, __ATOMIC_RELAXED);

  if (__atomic_exchange_n(&slot->listed, 1, __ATOMIC_ACQ_REL))
    return;
  do
    slot->next_rung = first ? first : slot;
  while (!__atomic_compare_exchange_n(&bell->ended, &first, slot, false, __ATOMIC_RELEASE,
                                      __ATOMIC_RELAXED));
}

void nvmens_bell_ring(nvmens_bell *bell, nvmens_slot *slot)
{
  list(bell, slot);
  if (__atomic_exchange_n(&bell->rung, 1, __ATOMIC_ACQ_REL) == 0 && bell->wake)
    bell->wake(bell->user);
}

bool nvmens_bell_clear(nvmens_bell *bell)
{
  return __atomic_exchange_n(&bell->rung, 0, __ATOMIC_ACQ_REL);
}

nvmens_slot *nvmens_bell_next(nvmens_bell *bell)
{
  nvmens_slot *slot = bell->taken;

  if (!slot)
    slot = __atomic_exchange_n(&bell->ended, NULL, __ATOMIC_ACQUIRE);
  if (!slot)
    return NULL;
  bell->taken = slot->next_rung == slot ? NULL : slot->next_rung;
  __atomic_exchange_n(&slot->listed, 0, __ATOMIC_ACQ_REL);
  return slot;
}
