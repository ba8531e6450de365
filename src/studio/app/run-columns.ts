/** @file The metrics of a run in the page: asked for once, then only what is new. */

import { useEffect, useState } from "preact/hooks";
import { eachOnce } from "../each-once.ts";
import type { MetricColumns } from "../studio-data.ts";
import { ask, ofRun, useVersion, withQuery } from "./server.ts";

const NONE: MetricColumns = { steps: [], columns: {}, alarms: [], damaged: [] };
const kept = new Map<string, MetricColumns>();

/** All columns of a run, kept up while it trains; undefined until they have come. */
export function useMetrics(run: string): MetricColumns | undefined {
  const version = useVersion(run);
  const [metrics, set] = useState(() => kept.get(run));
  useEffect(() => {
    const ended = new AbortController();
    set(kept.get(run));
    update(run, ended.signal).then(set, (error) => {
      if (!ended.signal.aborted) console.warn(error);
    });
    return () => ended.abort();
  }, [run, version]);
  return metrics;
}

/** The columns of a run as they are now. */
export async function update(run: string, signal?: AbortSignal): Promise<MetricColumns> {
  const before = kept.get(run) ?? NONE;
  // The last step is asked for again: held-out numbers come to it later, and a run that was resumed has other steps.
  const known = before.steps.length - 1;
  const after = before.steps[known - 1];
  const news = await ask<MetricColumns>(withQuery(ofRun(run, "metrics"), { after }), signal);
  const goesOn = after !== undefined && news.steps[0] === before.steps[known];
  const all = goesOn
    ? joined(before, known, news)
    : after === undefined
      ? news
      : await ask<MetricColumns>(ofRun(run, "metrics"), signal);
  kept.set(run, all);
  return all;
}

/** The first `count` steps of some columns, and then others. */
function joined(before: MetricColumns, count: number, news: MetricColumns): MetricColumns {
  const names = new Set([...Object.keys(before.columns), ...Object.keys(news.columns)]);
  const absent = (length: number) => new Array<null>(length).fill(null);
  const column = (name: string) => [
    ...(before.columns[name]?.slice(0, count) ?? absent(count)),
    ...(news.columns[name] ?? absent(news.steps.length)),
  ];
  return {
    steps: [...before.steps.slice(0, count), ...news.steps],
    columns: Object.fromEntries([...names].map((name) => [name, column(name)])),
    alarms: eachOnce([...before.alarms, ...news.alarms]),
    damaged: news.damaged,
  };
}
