/** @file A run in a few words: its state, how far it has come, and the choice of another. */

import { duration } from "../../report/number-format.ts";
import type { RunEntry, RunState } from "../studio-data.ts";
import { go } from "./place.ts";

const WORDS: Readonly<Record<RunState, string>> = {
  training: "training",
  finished: "finished",
  stopped: "stopped",
  begun: "not begun",
};

export function StateChip({ state }: { state: RunState }) {
  return <span class={`state ${state}`}>{WORDS[state]}</span>;
}

/** A live run says how long it will take. */
export function RunProgress({ run }: { run: RunEntry }) {
  const { state, step, steps, secondsLeft } = run;
  return (
    <p class="progress" aria-live="off">
      <StateChip state={state} />
      <span>
        step {step}
        {steps !== null && ` of ${steps}`}
        {secondsLeft !== null && secondsLeft > 0 && `, ${duration(secondsLeft)} left`}
      </span>
    </p>
  );
}

export function RunPicker({ runs, chosen }: { runs: readonly RunEntry[]; chosen: string | undefined }) {
  return (
    <label class="picker">
      <span class="unseen">Run</span>
      <select
        value={chosen}
        onChange={({ currentTarget }) =>
          go({
            ...{ run: currentTarget.value, step: undefined, group: undefined, chain: undefined },
            ...{ eval: undefined, against: undefined, file: undefined, line: undefined },
          })
        }
      >
        {runs.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </label>
  );
}
