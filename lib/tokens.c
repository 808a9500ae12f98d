/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tokens.c: 64-bit names for what is pending, which never come again. Floor 0.
 */
#include "tokens.h"

#include <string.h>

int nvmens_tokens_reserve(nvmens_tokens *tokens, const nvmens_mem *mem, uint32_t *number)
{
  if (!tokens->free) {
    uint32_t size = tokens->size ? tokens->size * 2 : 16;
    nvmens_place *place;

    if (size > UINT32_C(1) << NVMENS_PLACE_BITS)
      return NVMENS_ERR_NOMEM;
    place = nvmens_zalloc(mem, size, sizeof(*place));
    if (!place)
      return NVMENS_ERR_NOMEM;
    if (tokens->size)
      memcpy(place, tokens->place, tokens->size * sizeof(*place));
    nvmens_free(mem, tokens->place);
    for (uint32_t i = size; i > tokens->size; i--) {
      place[i - 1].next_free = tokens->free;
      tokens->free = i;
    }
    tokens->place = place;
    tokens->size = size;
  }
  *number = tokens->free - 1;
  tokens->free = tokens->place[*number].next_free;
  return 0;
}

void nvmens_tokens_release(nvmens_tokens *tokens, uint32_t number)
{
  tokens->place[number].kind = 0;
  tokens->place[number].next_free = tokens->free;
  tokens->free = number + 1;
}

nvmens_token nvmens_tokens_arm(nvmens_tokens *tokens, uint32_t number, uint8_t kind, void *object)
{
  nvmens_place *place = &tokens->place[number];

  place->object = object;
  place->kind = kind;
  if (++place->serial == 0)
    place->serial = 1;
  return nvmens_tokens_last(tokens, number);
}

nvmens_token nvmens_tokens_last(const nvmens_tokens *tokens, uint32_t number)
{
  return (nvmens_token)tokens->place[number].serial << NVMENS_PLACE_BITS | number;
}

void nvmens_tokens_retire(nvmens_tokens *tokens, uint32_t number)
{
  tokens->place[number].kind = 0;
}

void *nvmens_tokens_find(const nvmens_tokens *tokens, nvmens_token token, uint8_t kind)
{
  uint32_t number = token & ((UINT32_C(1) << NVMENS_PLACE_BITS) - 1);
  const nvmens_place *place;

  if (number >= tokens->size)
    return NULL;
  place = &tokens->place[number];
  return place->kind == kind && place->serial == token >> NVMENS_PLACE_BITS ? place->object : NULL;
}

void nvmens_tokens_clear(nvmens_tokens *tokens, const nvmens_mem *mem)
{
  nvmens_free(mem, tokens->place);
  memset(tokens, 0, sizeof(*tokens));
}
