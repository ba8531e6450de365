/** @file Alarms ring on in every step; lists show each once. */

import type { RungAlarm } from "./studio-data.ts";

/** The alarms by their names and where they began, in that order; what was said last of each counts. */
export function eachOnce(alarms: readonly RungAlarm[]): RungAlarm[] {
  const last = new Map(alarms.map((alarm) => [`${alarm.since} ${alarm.name}`, alarm]));
  return [...last.values()].sort((a, b) => a.since - b.since);
}
