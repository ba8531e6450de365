/** @file Every metric of a run, live, with one cursor and one zoom for all; several runs laid over each other. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { movingMean, smoothing } from "../../report/chart.ts";
import { BAND_NOTE, CHARTED, type Charted, linesOf } from "../../report/charted.ts";
import { differences } from "../../util/differences.ts";
import type { MetricColumns, RunEntry, RunFacts, RungAlarm } from "../studio-data.ts";
import { type Band, Curve, type Line } from "./curve.tsx";
import { go, type Place } from "./place.ts";
import { update, useMetrics } from "./run-columns.ts";
import { ask, ofRun, useVersion } from "./server.ts";
import { shownStep } from "./step-bar.tsx";

/** Windows of the moving mean, in steps. */
const WINDOWS = [1, 3, 5, 11, 21, 51, 101, 201];

/** A run with its columns. */
interface Drawn {
  readonly id: string;
  readonly metrics: MetricColumns;
}

/** A chart, with its lines over common steps. */
interface Drawing {
  readonly key: string;
  readonly charted: Charted;
  readonly steps: readonly number[];
  readonly lines: readonly Line[];
  /** One standard deviation around the first line. */
  readonly band?: Band | undefined;
}

export function CurvesPage({ run, runs, place }: { run: RunFacts; runs: readonly RunEntry[]; place: Place }) {
  const own = useMetrics(run.id);
  const others = useOthers(place.with);
  const [zoom, setZoom] = useState<readonly [number, number] | undefined>(undefined);
  const window = WINDOWS.includes(Number(place.smooth)) ? Number(place.smooth) : defaultWindow(own?.steps.length ?? 0);
  const drawn = useMemo(() => (own ? [{ id: run.id, metrics: own }, ...others] : []), [run.id, own, others]);
  const drawings = useMemo(() => drawingsOf(drawn, window), [drawn, window]);
  if (!own) return <p class="waiting">Reading the curves…</p>;
  if (own.steps.length === 0) {
    return (
      <section class="waiting">
        <h1>No steps yet.</h1>
        <p>The curves begin with the first step of training.</p>
      </section>
    );
  }
  const toStep = (step: number) => {
    const nearest = run.rolloutSteps.reduce(
      (best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best),
      Number.POSITIVE_INFINITY,
    );
    if (Number.isFinite(nearest)) go({ view: "chains", step: String(nearest), group: undefined, chain: undefined });
  };
  return (
    <section class="page curves">
      <header>
        <h1 class="unseen">Curves</h1>
        <label class="smooth">
          Smoothing
          <input
            type="range"
            min={0}
            max={WINDOWS.length - 1}
            value={WINDOWS.indexOf(window)}
            aria-valuetext={window === 1 ? "none" : `mean over ${window} steps`}
            onInput={({ currentTarget }) =>
              go({ smooth: String(WINDOWS[Number(currentTarget.value)]) }, { replace: true })
            }
          />
          <output>{window === 1 ? "none" : `${window} steps`}</output>
        </label>
        <Compare run={run.id} runs={runs} chosen={others.map(({ id }) => id)} />
        {zoom && (
          <button type="button" class="quiet" onClick={() => setZoom(undefined)}>
            Steps {Math.ceil(zoom[0])} to {Math.floor(zoom[1])}: show all
          </button>
        )}
        <p class="hint">Drag to zoom, click a point to see its chains.</p>
      </header>
      {own.damaged.length > 0 && (
        <p class="note" role="alert">
          metrics.jsonl has lines that cannot be read: {own.damaged.join(", ")}.
        </p>
      )}
      <Alarms alarms={own.alarms} onStep={toStep} />
      <div class="charts">
        {drawings.map(({ key, charted, steps, lines, band }) => (
          <Curve
            key={key}
            title={charted.title}
            note={band ? charted.note + BAND_NOTE : charted.note}
            unit={charted.unit}
            steps={steps}
            lines={lines}
            band={band}
            isSmoothed={window > 1}
            zoom={zoom}
            step={shownStep(run, place)}
            alarms={own.alarms}
            onZoom={setZoom}
            onStep={toStep}
          />
        ))}
      </div>
      {others.length > 0 && <RecipeDifferences ids={[run.id, ...others.map(({ id }) => id)]} />}
    </section>
  );
}

/** The widest that is no wider than the report's. */
function defaultWindow(steps: number): number {
  return WINDOWS.findLast((window) => window <= smoothing(steps)) ?? 1;
}

/** The metrics of the runs that are compared. */
function useOthers(names: string | undefined): readonly Drawn[] {
  const [others, set] = useState<readonly Drawn[]>([]);
  const version = useVersion();
  useEffect(() => {
    const ids = names?.split(",") ?? [];
    let isOver = false;
    Promise.all(ids.map(async (id) => ({ id, metrics: await update(id) }))).then(
      (found) => !isOver && set(found),
      () => !isOver && set([]),
    );
    return () => {
      isOver = true;
    };
  }, [names, version]);
  return others;
}

/** The charts: the known ones, then one for each number that none of them has. Of several runs each number has a chart of its own. */
function drawingsOf(drawn: readonly Drawn[], window: number): Drawing[] {
  const names = [...new Set(drawn.flatMap(({ metrics }) => Object.keys(metrics.columns)))];
  const charted = CHARTED.map((chart) => ({ chart, lines: linesOf(chart, names) }));
  const taken = new Set([
    "seconds.total",
    ...charted.flatMap(({ chart, lines }) => [chart.spread, ...lines.map(({ of }) => of)]),
  ]);
  // What alarms look at are counts, of which they tell the sums.
  const rest = names.filter((name) => !taken.has(name) && !name.startsWith("signs.")).sort();
  const all: { chart: Charted; lines: ReturnType<typeof linesOf> }[] = [
    ...charted,
    ...rest.map((name) => ({ chart: { title: name, note: "", lines: { [name]: name } }, lines: [{ name, of: name }] })),
  ];
  const steps = [...new Set(drawn.flatMap(({ metrics }) => metrics.steps))].sort((a, b) => a - b);
  const over = ({ metrics }: Drawn, of: string, unit: Charted["unit"]) => {
    const at = new Map(metrics.steps.map((step, i) => [step, i]));
    const column = metrics.columns[of] ?? [];
    return steps.map((step) => {
      const value = column[at.get(step) ?? -1] ?? null;
      return value === null || unit !== "percent" ? value : value * 100;
    });
  };
  const line = (name: string, colour: number, values: readonly (number | null)[]): Line => ({
    name,
    colour,
    values,
    smooth: window > 1 ? movingMean(values, window).map((value) => value ?? null) : values,
  });
  const only = drawn.length === 1 ? drawn[0] : undefined;
  return all
    .flatMap(({ chart, lines }): Drawing[] => {
      if (only) {
        const own = lines.map(({ name, of }, i) => line(name, i, over(only, of, chart.unit)));
        const spread = chart.spread === undefined ? undefined : over(only, chart.spread, chart.unit);
        const band = spread && bandAround(own[0]?.values ?? [], spread);
        return [{ key: chart.title, charted: chart, steps, lines: own, band }];
      }
      return lines.map(({ name, of }) => ({
        key: of,
        charted: { ...chart, title: lines.length > 1 ? `${chart.title}: ${name}` : chart.title },
        steps,
        lines: drawn.map((each, i) => line(each.id, i, over(each, of, chart.unit))),
      }));
    })
    .filter(({ lines }) => lines.some(({ values }) => values.some((value) => value !== null)));
}

function bandAround(centre: readonly (number | null)[], spread: readonly (number | null)[]): Band {
  const at = (sign: 1 | -1) =>
    centre.map((value, i) => (value === null || spread[i] === null ? null : value + sign * spread[i]!));
  return { low: at(-1), high: at(1) };
}

function Alarms({ alarms, onStep }: { alarms: readonly RungAlarm[]; onStep: (step: number) => void }) {
  if (alarms.length === 0) return null;
  return (
    <details class="alarms" open>
      <summary>
        {alarms.length} {alarms.length === 1 ? "alarm" : "alarms"} in training
      </summary>
      <ul>
        {alarms.map(({ since, name, message, remedy }) => (
          <li key={`${since} ${name}`}>
            <button type="button" class="quiet" onClick={() => onStep(since)}>
              since step {since}
            </button>{" "}
            {message} {remedy}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Compare({ run, runs, chosen }: { run: string; runs: readonly RunEntry[]; chosen: readonly string[] }) {
  const others = runs.filter(({ id }) => id !== run);
  if (others.length === 0) return null;
  const set = (ids: readonly string[]) => go({ with: ids.join(",") });
  return (
    <details class="compare">
      <summary>{chosen.length === 0 ? "Compare with…" : `Compared with ${chosen.length} more`}</summary>
      <ul>
        {others.map(({ id }) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={({ currentTarget }) =>
                  set(currentTarget.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
                }
              />{" "}
              {id}
            </label>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** In which keys the recipes differ. */
function RecipeDifferences({ ids }: { ids: readonly string[] }) {
  const [facts, set] = useState<readonly RunFacts[]>([]);
  useEffect(() => {
    let isOver = false;
    Promise.all(ids.map((id) => ask<RunFacts>(ofRun(id)))).then(
      (found) => !isOver && set(found),
      () => !isOver && set([]),
    );
    return () => {
      isOver = true;
    };
  }, [ids.join(",")]);
  const [first, ...others] = facts;
  if (!first) return null;
  const changed = others.map(({ run }) => differences(first.run?.recipe ?? {}, run?.recipe ?? {}));
  const keys = [...new Set(changed.flat().map(({ key }) => key))];
  return (
    <section class="recipes">
      <h2>Recipes</h2>
      {keys.length === 0 ? (
        <p>They are the same.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">key</th>
                {facts.map(({ id }, i) => (
                  <th key={id} scope="col" class={`c${i % 8}`}>
                    {id}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => {
                const found = changed.map((list) => list.find((each) => each.key === key));
                const from = found.find((each) => each !== undefined)?.from;
                return (
                  <tr key={key}>
                    <th scope="row">{key}</th>
                    <td>{from ?? "not set"}</td>
                    {found.map((each, i) => (
                      <td key={facts[i + 1]!.id}>{each ? (each.to ?? "not set") : (from ?? "not set")}</td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
