/** @file The processes of one training beside their tensors: who leads, what each has to say, and when all stop. */

/** Those who train together; `solo` where one process is alone. */
export interface Team {
  readonly rank: number;
  readonly size: number;
  /** Whether this is rank 0, which writes and speaks. */
  readonly leads: boolean;
  /** Fires when a process stops or fails, this one too. */
  readonly stop: AbortSignal;
  /** Fires when what is done together over tensors cannot come to its end. */
  readonly broken: AbortSignal;
  /** Names the phase that this process begins, for whoever misses it. */
  at(phase: string): void;
  /**
   * What each process has to say at the end of the phase, by rank; all of them hear all, or all of them stop.
   * @throws why they stop
   */
  gather<T>(mine: T): Promise<T[]>;
  /** The same when they have stopped; undefined when not all are there any more. */
  settle<T>(mine: T): Promise<T[] | undefined>;
  /**
   * Stops all processes by this one's error. Gives the error to end with: that of the process that stopped first, where this one has
   * failed in its wake.
   */
  halt(error: unknown): Promise<unknown>;
  /** Whether rank 0 tells the user why all have stopped. */
  readonly isTold: boolean;
  /** Ends orderly. */
  leave(): void;
}

/** The team of a process that is alone. */
export const solo: Team = {
  rank: 0,
  size: 1,
  leads: true,
  stop: new AbortController().signal,
  broken: new AbortController().signal,
  at: () => {},
  gather: async (mine) => [mine],
  settle: async (mine) => [mine],
  halt: async (error) => error,
  isTold: false,
  leave: () => {},
};
