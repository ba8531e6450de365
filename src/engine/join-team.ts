/** @file Joins the processes of one training: their tensors in the thread that computes, all else in this one. */

import { joinTeam } from "../distributed/assemble-team.ts";
import type { World } from "../distributed/ranks.ts";
import type { Team } from "../distributed/team.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { EngineThread } from "./engine-thread.ts";

export interface TeamOptions extends Cancellable {
  /** Where each is to compute, as a recipe says it. */
  readonly device: string;
  /** Milliseconds after which a silent process counts as lost. */
  readonly timeout: number;
}

/**
 * Joins the processes of a world. What engines this process then opens, train together with theirs.
 * @throws UserError when one does not come in time; the signal's reason when it fires
 */
export function meet(world: World, { device, timeout, signal }: TeamOptions): Promise<Team> {
  const thread = EngineThread.shared();
  const announce = (announcement: string | undefined) =>
    thread.call(thread.number(), { verb: "join", world, device, timeout, announcement }, { signal });
  return joinTeam(world, announce, { timeout });
}
