/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prepare.c: commands that wait: for their drains, or for the backend to prepare what the host asks
 * for. Floor 5.
 *
 * Invariants: a waiting command holds itself (one wait) while it is worked on; a prep lives until
 * the backend has answered, its hook has returned, and `created` too, whatever becomes of its
 * command.
 */
#include "prepare.h"

#include "always.h"
#include "ctrl.h"
#include "ns.h"
#include "subsys.h"
#include "unanswered.h"

void nvmens_cmd_hold(nvmens_cmd *cmd)
{
  nvmens_subsys *s = cmd->ctrl->subsys;

  cmd->state = NVMENS_CMD_WAITING;
  cmd->waits = 1;
  nvmens_set_deadline(s, s->core.now, s->config.deadline_ns);
}

void nvmens_cmd_let_go(nvmens_cmd *cmd)
{
  nvmens_fan_deliver(cmd->ctrl->subsys);
  if (--cmd->waits == 0)
    nvmens_cmd_end(cmd, cmd->sf, cmd->dw0, cmd->error_info);
}

nvmens_prep *nvmens_prep_new(nvmens_subsys *s, nvmens_prepared_go *go)
{
  nvmens_prep *prep = nvmens_zalloc(&s->core.mem, 1, sizeof(*prep));
  nvmens_prep_data *data = prep ? nvmens_zalloc(&s->core.mem, 1, sizeof(*data)) : NULL;

  if (!data || nvmens_tokens_reserve(&s->tokens, &s->core.mem, &prep->place)) {
    nvmens_free(&s->core.mem, data);
    nvmens_free(&s->core.mem, prep);
    return NULL;
  }
  prep->subsys = s;
  prep->data = data;
  prep->go = go;
  prep->next = s->preps;
  if (prep->next)
    prep->next->prev = prep;
  s->preps = prep;
  return prep;
}

void nvmens_prep_free(nvmens_subsys *s, nvmens_prep *prep)
{
  if (NVMENS_NEVER(prep->cmd))
    prep->cmd->prep = NULL;
  nvmens_timer_stop(&s->prep_timers, &prep->timer);
  if (prep->prev)
    prep->prev->next = prep->next;
  else
    s->preps = prep->next;
  if (prep->next)
    prep->next->prev = prep->prev;
  nvmens_tokens_release(&s->tokens, prep->place);
  nvmens_prep_forget_data(prep);
  nvmens_free(&s->core.mem, prep);
}

static void give_back_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_prep *prep = NVMENS_OBJECT(effect, nvmens_prep, last);

  if (s->core.host.released) {
    nvmens_hook_enter(&s->core);
    s->core.host.released(prep->ns_user, NVMENS_CREATE_FAILED);
    nvmens_hook_leave(&s->core);
  }
  nvmens_prep_free(s, prep);
}

/* The prep is answered and its hook has returned: free it, with what it was given and nobody took.
 */
static void prep_done(nvmens_subsys *s, nvmens_prep *prep)
{
  if (prep->in_hook || !prep->answered || prep->telling)
    return;
  if (prep->ns_user)
    nvmens_outbox_add(&s->core, &prep->last, give_back_run);
  else
    nvmens_prep_free(s, prep);
}

/* What is created goes after this effect at the earliest, so it is there. */
static void created_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_prep *prep = NVMENS_OBJECT(effect, nvmens_prep, last);

  if (s->core.host.created) {
    void *user = nvmens_ns_of_ref(s, prep->ref)->user;

    nvmens_hook_enter(&s->core);
    s->core.host.created(user, prep->ref);
    nvmens_hook_leave(&s->core);
  }
  prep->telling = 0;
  prep_done(s, prep);
}

void nvmens_prep_tell(nvmens_prep *prep)
{
  prep->telling = 1;
  nvmens_outbox_add(&prep->ctrl->subsys->core, &prep->last, created_run);
}

/* The answer has come: the command goes on, if it is still there. */
static void answer(nvmens_subsys *s, nvmens_prep *prep, uint16_t sf, const nvmens_ident *ident)
{
  nvmens_cmd *cmd = prep->cmd;

  prep->answered = 1;
  nvmens_prep_count_off(prep);
  nvmens_tokens_retire(&s->tokens, prep->place);
  nvmens_timer_stop(&s->prep_timers, &prep->timer);
  if (!cmd)
    return;
  if (sf || nvmens_cmd_old(cmd)) {
    nvmens_cmd_end(cmd, sf, 0, 0);
  } else {
    nvmens_cmd_hold(cmd);
    prep->go(prep, ident);
    nvmens_cmd_let_go(cmd);
  }
  nvmens_prep_part(prep);
}

int nvmens_prepared(nvmens_subsys *s, nvmens_token token, nvmens_status status,
                    const nvmens_ident *ident, void *ns_user)
{
  nvmens_prep *prep;

  if (!s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  prep = nvmens_tokens_find(&s->tokens, token, NVMENS_TOKEN_PREP);
  if (prep) {
    prep->ns_user = prep->create ? ns_user : NULL;
    answer(s, prep, status.sf, ident);
    prep_done(s, prep);
  }
  nvmens_commit(s);
  return prep ? 0 : NVMENS_ERR_STALE;
}

/* The hook has returned without an answer: wait for it, unless a reset came meanwhile. */
static void await(nvmens_subsys *s, nvmens_prep *prep)
{
  nvmens_cmd *cmd = prep->cmd;

  if (nvmens_cmd_old(cmd)) {
    nvmens_prep_leave(prep);
    nvmens_cmd_end(cmd, 0, 0, 0);
    return;
  }
  cmd->state = NVMENS_CMD_WAITING;
  nvmens_set_deadline(s, s->core.now, s->config.deadline_ns);
  nvmens_timer_set(&s->prep_timers, &prep->timer, s->deadline);
}

/* Asks; DONE, or an answer before the hook returns, ends the command within this call. Until then
 * the command is RUNNING: nobody else ends it while the hook has it. */
void nvmens_prep_ask(const nvmens_request *r, nvmens_prep *prep, const nvmens_intent *intent,
                     nvmens_ns *ns)
{
  nvmens_subsys *s = r->ctrl->subsys;
  nvmens_token token = nvmens_tokens_arm(&s->tokens, prep->place, NVMENS_TOKEN_PREP, prep);
  nvmens_ctrl *ctrl = r->ctrl;
  uint32_t epoch = ctrl->epoch;
  nvmens_wait wait;

  prep->ctrl = ctrl;
  prep->cmd = r->cmd;
  r->cmd->prep = prep;
  prep->in_hook = 1;
  if (ns)
    ns->pins++;
  ctrl->ncmds++; /* the hook names the command, even if another thread has answered and ended it */
  nvmens_hook_enter(&s->core);
  wait = s->core.host.prepare(ctrl->user, r->cmd, intent, token);
  nvmens_hook_leave(&s->core);
  nvmens_cmd_uncount(ctrl, epoch);
  prep->in_hook = 0;
  if (!prep->answered && wait == NVMENS_DONE)
    answer(s, prep, 0, NULL);
  else if (!prep->answered)
    await(s, prep);
  else
    nvmens_prep_forget_data(prep);
  if (ns) {
    ns->pins--;
    nvmens_ns_quiet(ns);
  }
  prep_done(s, prep);
}
