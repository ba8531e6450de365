/** @file Which of several processes this one is: the environment variables that torchrun sets, read and checked. */
import { UserError } from "../util/errors.ts";

/** The place of a process among those of one training. */
export interface World {
  /** From 0 to size - 1. */
  readonly rank: number;
  /** Number of processes, on all machines. */
  readonly size: number;
  /** Number of this process on its machine, which is that of its GPU. */
  readonly localRank: number;
  /** Whether all processes are on this machine. */
  readonly local: boolean;
  /** Where they meet. */
  readonly address: string;
  readonly port: number;
  /** Whether rank 0 opens the store at that port; else who started the processes holds it. */
  readonly opensStore: boolean;
  /** Of how many starts this is the one, counted by who restarts processes. */
  readonly attempt: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The place that the environment gives this process; undefined when it is alone. @throws UserError when it contradicts itself */
export function worldOf(env: Environment = process.env): World | undefined {
  if (env.WORLD_SIZE === undefined || env.RANK === undefined) return undefined;
  const size = wholeNumber(env, "WORLD_SIZE", 1, 65_536);
  if (size === 1) return undefined;
  const address = env.MASTER_ADDR;
  if (!address)
    throw new UserError(
      `WORLD_SIZE is ${size}, but MASTER_ADDR does not say where the processes meet.`,
      "Start them by --processes or by torchrun, or set MASTER_ADDR and MASTER_PORT alike for all.",
    );
  const localSize = env.LOCAL_WORLD_SIZE === undefined ? undefined : wholeNumber(env, "LOCAL_WORLD_SIZE", 1, size);
  return {
    rank: wholeNumber(env, "RANK", 0, size - 1),
    size,
    localRank: wholeNumber(env, "LOCAL_RANK", 0, (localSize ?? size) - 1),
    local: localSize === size,
    address,
    port: wholeNumber(env, "MASTER_PORT", 1, 65_535),
    opensStore: env.TORCHELASTIC_USE_AGENT_STORE?.toLowerCase() !== "true",
    attempt: env.TORCHELASTIC_RESTART_COUNT === undefined ? 0 : wholeNumber(env, "TORCHELASTIC_RESTART_COUNT", 0, 1e9),
  };
}

function wholeNumber(env: Environment, name: string, least: number, most: number): number {
  const text = env[name];
  const value = text === undefined || !/^\d+$/.test(text) ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new UserError(
    text === undefined
      ? `${name} is not set, but WORLD_SIZE is.`
      : `${name} is "${text}", not a whole number from ${least} to ${most}.`,
    "Start the processes by --processes or by torchrun, or set the variables that torchrun sets; without them one process trains.",
  );
}
