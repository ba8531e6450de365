/**
 * @file What a step takes of the memory, as `grit train` shows it: before anything is opened, and for a card that is not there; for
 * that its time as well, and what several processes send.
 */

import { about } from "../config/key-places.ts";
import type { Room } from "../engine/device.ts";
import { EngineThread } from "../engine/engine-thread.ts";
import type { MemoryEstimate } from "../engine/memory.ts";
import {
  cardRoom,
  cardSpeeds,
  fits,
  type PlannedRecipe,
  plannedModel,
  planStep,
  planTime,
  savings,
} from "../engine/plan.ts";
import type { Speeds, StepForecast } from "../engine/step-forecast.ts";
import { UserError } from "../util/errors.ts";
import { table } from "../util/table.ts";

/** What is to be planned for. */
export interface PlanOptions {
  /** A card by its size, e.g. 80GB, instead of this machine's device. */
  readonly card?: string | undefined;
  /** How many train together. Default 1. */
  readonly processes?: number | undefined;
  /** Area of the largest image in pixels, where the data are known. */
  readonly largest?: number | undefined;
}

/**
 * The table of a step at its worst.
 * @throws UserError when it does not fit, with the keys that lower the peak and what each would make of it
 */
export async function planMemory(
  recipe: PlannedRecipe & { readonly model: string; readonly device: string },
  { card, processes = 1, largest }: PlanOptions = {},
): Promise<string> {
  const model = await about("model", () => plannedModel(recipe.model));
  const here = card === undefined ? await roomHere(recipe.device) : cardRoom(card);
  const room = { ...here, processes };
  const estimate = planStep(recipe, model, room, largest);
  if (fits(estimate, room)) {
    if (card === undefined) return memoryTable(estimate);
    const speeds = cardSpeeds(processes);
    const time = timeTable(planTime(recipe, model, room, speeds, largest), speeds, recipe.sampling.max_tokens);
    return `${memoryTable(estimate)}\n\n${time}`;
  }
  const ways = savings(recipe, model, room, largest).map(({ change, peak }) => `  ${change}: peak ${gigabytes(peak)}`);
  throw new UserError(
    `${memoryTable(estimate)}\nThat is more than there is: ${gigabytes(estimate.available)}${room.device === "cpu" ? "" : ", of which a twentieth is kept free"}.`,
    `Lower the peak by a key of the recipe, or by several:\n${ways.join("\n")}`,
  );
}

/** The device of this machine. Only the engine's thread may ask it. */
function roomHere(device: string): Promise<Room> {
  const thread = EngineThread.shared();
  return thread.call(thread.number(), { verb: "room", device });
}

const PARTS: readonly (readonly [keyof MemoryEstimate, string])[] = [
  ["weights", "weights: masters, frozen ones, adapter"],
  ["reference", "reference"],
  ["moments", "moments"],
  ["features", "features of images"],
  ["gradients", "gradients"],
  ["training", "a micro-batch, beside the gradients"],
  ["vision", "the vision tower's backward pass, beside the gradients"],
  ["sampling", "sampling, without gradients"],
];

/** Bytes by part, and the peak: not their sum, since a step samples, trains and runs the tower backward one after another. */
export function memoryTable(estimate: MemoryEstimate): string {
  const rows = PARTS.filter(([key]) => estimate[key] > 0).map(([key, what]) => [what, gigabytes(estimate[key])]);
  return `${table([["memory of a step", "GB"], ...rows.map(([what, size]) => [what!, size!.replace(" GB", "")])])}\npeak ${gigabytes(estimate.peak)}\navailable ${gigabytes(estimate.available)}`;
}

const PHASES: readonly (readonly [keyof StepForecast, string])[] = [
  ["sampling", "sampling"],
  ["scoring", "scoring by the reference"],
  ["gradients", "gradients"],
  ["update", "update"],
  ["sending", "gradients and weights on their way"],
];

/** Seconds by phase, and what they rest on. */
function timeTable(forecast: StepForecast, { flops, bandwidth, link }: Speeds, maxTokens: number): string {
  const rows = PHASES.filter(([key]) => forecast[key] > 0).map(([key, what]) => [what, forecast[key].toFixed(1)]);
  const several = forecast.sent > 0;
  const sent = several ? `; each card sends ${gigabytes(forecast.sent)}` : "";
  const links = several ? `, ${link / 1e9} GB/s between cards` : "";
  return (
    `${table([["time of a step", "s"], ...rows.map(([what, seconds]) => [what!, seconds!])])}\n` +
    `about ${forecast.seconds.toFixed(1)} s${sent}\n` +
    `with ${maxTokens} tokens a completion, ${flops / 1e12} TFLOP/s, ${bandwidth / 1e12} TB/s from memory${links}: see docs/several-cards.md`
  );
}

/** 1 GB is 10⁹ bytes. Small models still tell something. */
function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)} GB`;
}
