/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * breaks.h: the rules of the model that can be turned round.
 */
#ifndef NVMENS_TESTS_MODEL_BREAKS_H
#define NVMENS_TESTS_MODEL_BREAKS_H

/* Rules that can be turned round, one at a time, to see that it comes out (main.c). */
#define M_BREAK_LIST(X)                                                                            \
  X(none, "none")                                                                                  \
  X(aerl, "R26: one AER more than AERL + 1 is parked")                                             \
  X(fifo, "P5: AERs complete last in, first out")                                                  \
  X(aborted, "R36: an aborted AER ends with success")                                              \
  X(mask, "R28: a reported event masks nothing")                                                   \
  X(bit, "R32: the bit of feature 0Bh does not matter")                                            \
  X(turned_off, "R32: an event that was reported is forgotten when its bit goes off")              \
  X(read_first, "R30: an event is sent although its log was read first")                           \
  X(rae, "R29: a read with RAE=1 clears")                                                          \
  X(raced, "R44: a change that races the read is not told")                                        \
  X(failed, "R43: a read that did not reach the host clears")                                      \
  X(old_log, "R35: the logs survive a reset")                                                      \
  X(old_aec, "R35: feature 0Bh survives a reset")                                                  \
  X(old_answers, "R35: answers of an old epoch are given")                                         \
  X(issuer, "R40: who deletes is told")                                                            \
  X(no_entry, "R41: who deletes does not find it in its log")                                      \
  X(no_create, "R40: a create is not told")                                                        \
  X(types, "R70: a discovery controller has what an I/O controller has")                           \
  X(type_bits, "R70: each type has each bit of feature 0Bh")                                       \
  X(keeper, "R56: a private namespace without a home goes to whoever has the lowest CNTLID")       \
  X(explicit, "R56: auto attach undoes a detach")                                                  \
  X(plug, "R56: a plug does not forget a detach")                                                  \
  X(sets, "R57: a command set that is not enabled is in nobody's way")                             \
  X(wanted, "R58: what is WANTED is attached again")                                               \
  X(elsewhere, "R58: to a host what only follows a private one is attached here")                  \
  X(withdrawn, "R58: an attach that waits for a drain cannot be withdrawn")                        \
  X(stays, "R59: what is not enabled any more stays attached")                                     \
  X(owes, "R60: a path that loses a namespace owes nothing")                                       \
  X(one_scan, "R60: a path owes one scan")                                                         \
  X(back, "R60: what comes back as it was leaves the path owing")                                  \
  X(unreported, "R61: a read counts although no event was sent")                                   \
  X(next_page, "R61: what waited for a read is in the page after that")                            \
  X(same_epoch, "R61: a reset makes no scan void")                                                 \
  X(other_path, "R62: the other paths of a host are not waited for")                               \
  X(private_path, "R62: nor if a private namespace goes from one to the other")                    \
  X(newcomers, "R62: nor if they may be back")                                                     \
  X(silent, "R63: a path that does not read is waited for for ever")                               \
  X(anew, "R63: a read does not begin that time anew")                                             \
  X(fence, "R64: who asks for no events is waited for")                                            \
  X(opens, "R64: CNS 00h opens although the host knows CNS 03h")                                   \
  X(hides, "R64: what is FENCED stays so when bit 8 is set")                                       \
  X(told, "R65: a path that is waited for is told once")                                           \
  X(peers, "R65: the other paths are not told when one has let go")                                \
  X(refused, "R65: nor is one that another may have been refused for")                             \
  X(listed, "R65: what a path owes when it is READY is not listed")                                \
  X(reconnects, "R66: a path is away only when its controller is released")                        \
  X(newcomer, "R66: a controller that may be a path that went away owes nothing")                  \
  X(stranger, "R66: a host that is not known is not told once more")                               \
  X(memory, "R67: a host is forgotten when its controller goes")                                   \
  X(pci, "R67: the disks of a PCI controller stay when it goes")                                   \
  X(wishes, "R67: explicit attaches and detaches go with the controller")                          \
  X(cntlid, "R68: a host does not get its CNTLID back")                                            \
  X(nsid, "R69: an NSID is given out of which a host may have a disk")                             \
  X(held, "C8: an attach is told before its gate is open")                                         \
  X(private, "R25: a private namespace has two controllers")                                       \
  X(again, "R22: an attach while it drains is 118h")                                               \
  X(offset, "R20: the offset of a failed entry is that of the one before")                         \
  X(goes_on, "R20: a list goes on after a failed entry")                                           \
  X(ascending, "R20: a CNTLID may be twice in a list")                                             \
  X(list_ge, "R6: namespace lists begin at N")                                                     \
  X(list_gt, "R6: controller lists begin after C")                                                 \
  X(zeroes, "R6: CNS 00h of an inactive NSID is an error")                                         \
  X(desc, "R6: CNS 03h of an inactive NSID is zeroes")                                             \
  X(protected, "R55: a write protected namespace is deleted")                                      \
  X(credit, "R54: the capacity of a released namespace does not come back")                        \
  X(need, "R12: the bytes that a create lacks are not said")                                       \
  X(late, "R15: a deadline is a nanosecond late")                                                  \
  X(join, "R15: who joins a removal does not shorten its deadline")                                \
  X(gate_half, "R51: a drain does not wait for the gate")                                          \
  X(hook_half, "R51: a drain does not wait for the backend")                                       \
  X(twice, "T7: a token is good twice")                                                            \
  X(stale, "P16: a reference names the next namespace of its NSID")                                \
  X(path, "C16: no 300h while there is another path")
enum {
#define M_BREAK_ENUM(name, text) BREAK_##name,
  M_BREAK_LIST(M_BREAK_ENUM)
#undef M_BREAK_ENUM
      M_BREAKS
};
extern const char *const m_break_name[M_BREAKS];
extern int m_broken;
#define BROKEN(name) (m_broken == BREAK_##name)

#endif
