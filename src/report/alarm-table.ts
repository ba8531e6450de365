/** @file The alarms of a training: when each rang, what made it ring, and which key to change. */

import type { Alarm, Metrics } from "../run/lines.ts";
import { type Html, html } from "./html.ts";

/** An alarm as it began, and the last step at which it rang. */
interface Rang extends Alarm {
  readonly until: number;
}

/** A table of the alarms, in the order in which they began; nothing where none rang. */
export function alarmTable(metrics: readonly Metrics[]): Html | undefined {
  const rang = alarmsOf(metrics);
  if (rang.length === 0) return undefined;
  const last = metrics.at(-1)!.step;
  return html`<div class="scroll"><table class="rows alarms">
    <thead><tr><th scope="col">alarm</th><th scope="col">steps</th><th scope="col">what was wrong</th><th scope="col">what to do</th></tr></thead>
    <tbody>${rang.map(
      ({ name, since, until, message, remedy }) => html`<tr><th scope="row">${name}</th>
      <td>${since} to ${until === last ? "the last" : until}</td><td class="words">${message}</td><td class="words">${remedy}</td></tr>`,
    )}</tbody></table></div>`;
}

function alarmsOf(metrics: readonly Metrics[]): Rang[] {
  const rang = new Map<string, Rang>();
  for (const { step, alarms = [] } of metrics) {
    for (const alarm of alarms) {
      const key = `${alarm.name} ${alarm.since}`;
      rang.set(key, { ...(rang.get(key) ?? alarm), until: step });
    }
  }
  return [...rang.values()];
}
