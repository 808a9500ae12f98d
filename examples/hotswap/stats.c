/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.c: a histogram with 16 steps per power of two, and commands per status. */
#include "hotswap.h"

static unsigned bucket_of(uint64_t v)
{
  unsigned log = 0;

  if (v < 16)
    return (unsigned)v;
  while (v >> log >= 32)
    log++;
  return (log + 1) * 16 + (unsigned)((v >> log) - 16);
}

static uint64_t bucket_top(unsigned b)
{
  if (b < 16)
    return b;
  return ((UINT64_C(16) + b % 16 + 1) << (b / 16 - 1)) - 1;
}

void hist_add(struct hist *h, uint64_t value)
{
  h->count++;
  h->bucket[bucket_of(value)]++;
  if (value > h->max)
    h->max = value;
}

void hist_join(struct hist *h, const struct hist *other)
{
  for (unsigned i = 0; i < HIST_BUCKETS; i++)
    h->bucket[i] += other->bucket[i];
  h->count += other->count;
  if (other->max > h->max)
    h->max = other->max;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
  uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;

  for (unsigned i = 0; i < HIST_BUCKETS; i++) {
    seen += h->bucket[i];
    if (seen > rank)
      return bucket_top(i) < h->max ? bucket_top(i) : h->max;
  }
  return h->max;
}

static const struct {
  uint16_t sf;
  const char *name;
} kinds[] = {
    {NVMENS_SC_SUCCESS, "Success"},
    {NVMENS_SC_INVALID_OPCODE, "Invalid Opcode"},
    {NVMENS_SC_INVALID_FIELD, "Invalid Field"},
    {NVMENS_SC_DATA_TRANSFER_ERROR, "Data Transfer Error"},
    {NVMENS_SC_ABORTED_POWER_LOSS, "Aborted, Power Loss"},
    {NVMENS_SC_INTERNAL_ERROR, "Internal Error"},
    {NVMENS_SC_ABORTED_BY_REQUEST, "Abort Requested"},
    {NVMENS_SC_ABORTED_SQ_DELETED, "Aborted, SQ Deletion"},
    {NVMENS_SC_INVALID_NS_OR_FORMAT, "Invalid Namespace or Format"},
    {NVMENS_SC_NS_WRITE_PROTECTED, "Namespace is Write Protected"},
    {NVMENS_SC_NS_NOT_READY, "Namespace Not Ready"},
    {NVMENS_SC_AER_LIMIT_EXCEEDED, "AER Limit Exceeded"},
    {NVMENS_SC_INVALID_LOG_PAGE, "Invalid Log Page"},
    {NVMENS_SC_INVALID_FORMAT, "Invalid Format"},
    {NVMENS_SC_FEATURE_NOT_SAVEABLE, "Feature Not Saveable"},
    {NVMENS_SC_FEATURE_NOT_CHANGEABLE, "Feature Not Changeable"},
    {NVMENS_SC_FEATURE_NOT_PER_NS, "Feature Not Namespace Specific"},
    {NVMENS_SC_NS_INSUFFICIENT_CAPACITY, "Insufficient Capacity"},
    {NVMENS_SC_NS_ID_UNAVAILABLE, "NSID Unavailable"},
    {NVMENS_SC_NS_ALREADY_ATTACHED, "Already Attached"},
    {NVMENS_SC_NS_IS_PRIVATE, "Namespace Is Private"},
    {NVMENS_SC_NS_NOT_ATTACHED, "Not Attached"},
    {NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED, "Thin Provisioning Unsupported"},
    {NVMENS_SC_INVALID_CTRL_LIST, "Invalid Controller List"},
    {NVMENS_SC_ANA_GROUP_INVALID, "ANA Group Invalid"},
    {NVMENS_SC_ANA_ATTACH_FAILED, "ANA Attach Failed"},
    {NVMENS_SC_NS_ATTACH_LIMIT, "Attachment Limit"},
    {NVMENS_SC_COMMAND_SET_UNSUPPORTED, "Command Set Not Supported"},
    {NVMENS_SC_COMMAND_SET_NOT_ENABLED, "Command Set Not Enabled"},
    {NVMENS_SC_INVALID_COMMAND_SET, "Invalid Command Set"},
    {NVMENS_SC_INTERNAL_PATH_ERROR, "Internal Path Error"},
    {0xFFFF, "other"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(KINDS <= TALLY_KINDS, "a tally has room for each");

void tally_add(struct tally *t, uint16_t sf)
{
  unsigned i = 0;

  while (i < KINDS - 1 && kinds[i].sf != (sf & 0x7FF))
    i++;
  bump(&t->count[i]);
}

uint64_t tally_sum(const struct tally *t)
{
  uint64_t sum = 0;

  for (unsigned i = 0; i < KINDS; i++)
    sum += peek(&t->count[i]);
  return sum;
}

const char *tally_name(unsigned kind, uint16_t *sf)
{
  if (kind >= KINDS)
    return NULL;
  *sf = kinds[kind].sf;
  return kinds[kind].name;
}
