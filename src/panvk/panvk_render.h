/* SPDX-License-Identifier: MIT */
/* What is recorded around commands that the engine gets wrong. */
#ifndef PANVK_RENDER_H
#define PANVK_RENDER_H

#include <stdbool.h>

struct panvk_cmd;

/*
 * A barrier between all commands before and the transfers that follow if
 * @to_transfer, else between transfers before and all that follows.
 */
void panvk_render_barrier(struct panvk_cmd *cmd, bool to_transfer);
/* Forgets a render pass instance that has ended, or never will. */
void panvk_render_finish(struct panvk_cmd *cmd);

#endif /* PANVK_RENDER_H */
