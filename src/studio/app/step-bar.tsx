/** @file The one slider for everything: the step that all views show, over the curve of the reward. */

import { useEffect } from "preact/hooks";
import { compact, fraction, percent } from "../../report/number-format.ts";
import type { RunFacts } from "../studio-data.ts";
import { useKeys } from "./keys.ts";
import { go, type Place } from "./place.ts";
import { useMetrics } from "./run-columns.ts";
import { sparkPath } from "./spark.ts";

/** The step that is shown: the address's, or else the newest, which a live run moves. */
export function shownStep(run: RunFacts, place: Place): number | undefined {
  const wanted = Number(place.step ?? Number.NaN);
  return run.rolloutSteps.includes(wanted) ? wanted : run.rolloutSteps.at(-1);
}

export function StepBar({ run, place }: { run: RunFacts; place: Place }) {
  const steps = run.rolloutSteps;
  const metrics = useMetrics(run.id);
  const step = shownStep(run, place);
  const at = step === undefined ? -1 : steps.indexOf(step);
  const move = (index: number) => {
    const to = steps[Math.min(Math.max(index, 0), steps.length - 1)];
    if (to !== undefined && to !== step) go({ step: String(to), chain: undefined }, { replace: true });
  };
  useKeys({ ArrowLeft: () => move(at - 1), ArrowRight: () => move(at + 1) });
  useEffect(() => {
    // A step that is not there, e.g. of another run, leaves the address.
    if (place.step !== undefined && String(step) !== place.step) go({ step: undefined }, { replace: true });
  }, [place.step, step]);
  if (step === undefined) return null;

  const row = metrics?.steps.indexOf(step) ?? -1;
  const number = (name: string) => metrics?.columns[name]?.[row];
  const first = metrics?.steps[0] ?? 0;
  const reward = metrics?.columns["reward.mean"]?.filter((_, i) => metrics.steps[i]! <= steps.at(-1)!) ?? [];
  return (
    <section class="steps" aria-label="Step">
      <button type="button" class="icon" onClick={() => move(at - 1)} disabled={at === 0} aria-label="Previous step">
        ‹
      </button>
      <div class="track">
        {steps[0] === first && (
          <svg viewBox="0 0 1000 30" preserveAspectRatio="none" aria-hidden="true">
            <path d={sparkPath(reward, { width: 1000, height: 30 })} />
          </svg>
        )}
        <i class="needle" style={{ "--at": `${(at / Math.max(1, steps.length - 1)) * 100}%` }} />
        <input
          type="range"
          aria-label="Step"
          aria-valuetext={`step ${step}`}
          min={0}
          max={steps.length - 1}
          value={at}
          onInput={({ currentTarget }) => move(Number(currentTarget.value))}
        />
      </div>
      <button
        type="button"
        class="icon"
        onClick={() => move(at + 1)}
        disabled={at === steps.length - 1}
        aria-label="Next step"
      >
        ›
      </button>
      <p class="now">
        step <b>{step}</b>
      </p>
      <dl class="facts">
        <Fact name="reward" value={compact(number("reward.mean"))} />
        <Fact name="accuracy" value={`${percent(number("accuracy"))} %`} />
        <Fact name="IoU" value={fraction(number("giou"))} />
        <Fact name="in form" value={`${percent(number("wellFormed"))} %`} />
      </dl>
      {place.step !== undefined && at < steps.length - 1 && (
        <button type="button" class="quiet" onClick={() => go({ step: undefined, chain: undefined })}>
          {run.state === "training" ? "Follow the newest" : "Newest"}
        </button>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
