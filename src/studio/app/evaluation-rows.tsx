/** @file The table of one or two evaluations: each set's numbers with their intervals, and the paired gain as a bar around zero. */

import type { Estimate } from "../../evaluation/aggregate.ts";
import { fraction, fractionGain, partial, percent, points } from "../../report/number-format.ts";
import type { EvaluatedMetric, EvaluationTable } from "../studio-data.ts";

interface EvaluationRowsProps {
  readonly table: EvaluationTable;
  readonly first: string;
  readonly second: string | undefined;
  /** The set whose samples are shown. */
  readonly chosen: string | undefined;
  readonly onChoose: (set: string | undefined) => void;
}

const METRICS = [
  { of: "acc", title: "accuracy, %", write: percent, gain: points },
  { of: "giou", title: "grounding IoU", write: fraction, gain: fractionGain },
] as const;

export function EvaluationRows({ table, first, second, chosen, onChoose }: EvaluationRowsProps) {
  return (
    <div class="scroll">
      <table class="sets">
        <caption class="unseen">Means with 95 % intervals; a gain is that of the samples that both have.</caption>
        <thead>
          <tr>
            <td rowSpan={2} />
            <th rowSpan={2} scope="col">
              samples
            </th>
            {METRICS.map(({ of, title }) => (
              <th key={of} scope="colgroup" colSpan={second === undefined ? 1 : 3}>
                {title}
              </th>
            ))}
          </tr>
          <tr>
            {METRICS.flatMap(({ of }) => [
              <th key={`${of} first`} scope="col">
                {first}
              </th>,
              ...(second === undefined
                ? []
                : [
                    <th key={`${of} second`} scope="col">
                      {second}
                    </th>,
                    <th key={`${of} gain`} scope="col">
                      gain
                    </th>,
                  ]),
            ])}
          </tr>
        </thead>
        <tbody>
          {table.sets.map((row) => (
            <tr key={row.set} class={row.set === chosen ? "chosen" : ""}>
              <th scope="row">
                <button
                  type="button"
                  class="quiet"
                  aria-pressed={row.set === chosen}
                  onClick={() => onChoose(row.set === chosen ? undefined : row.set)}
                >
                  {row.set}
                </button>
              </th>
              <td>{row.samples}</td>
              {METRICS.flatMap(({ of, write, gain }) => [
                <Value key={`${of} first`} estimate={row[of].first} write={write} />,
                ...(second === undefined
                  ? []
                  : [
                      <Value key={`${of} second`} estimate={row[of].second} write={write} />,
                      <Gain key={`${of} gain`} metric={row[of]} write={gain} />,
                    ]),
              ])}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ estimate, write }: { estimate: Estimate | null; write: (value: number) => string }) {
  if (!estimate || (!estimate.value && estimate.coverage === 1)) return <td>–</td>;
  const { value, coverage } = estimate;
  if (!value) return <td title="Samples that could not be scored are missing.">{partial(coverage)}</td>;
  return (
    <td>
      <b>{write(value.mean)}</b>
      <small>
        {write(value.low)} to {write(value.high)}
      </small>
    </td>
  );
}

/** Green or red where the whole interval is on one side of zero. */
function Gain({ metric: { gain }, write }: { metric: EvaluatedMetric; write: (value: number) => string }) {
  if (!gain) return <td>–</td>;
  const side = gain.low > 0 ? "good" : gain.high < 0 ? "bad" : "";
  const at = (value: number) => 50 + Math.max(-1, Math.min(1, value)) * 50;
  return (
    <td class={`gain ${side}`}>
      <b>{write(gain.gain)}</b>
      <span class="rail" aria-hidden="true">
        <i style={{ left: `${at(gain.low)}%`, width: `${Math.max(1, at(gain.high) - at(gain.low))}%` }} />
      </span>
      <small>
        {write(gain.low)} to {write(gain.high)}
      </small>
    </td>
  );
}
