/**
 * @file Trackio: its dashboard takes in what lies in the inbox of its folder, files of JSON lines (trackio/fragments.py), and
 * removes them. Every record has an id of its own, by run and step, so that what was taken in once is not taken in again.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { begun } from "../alarms/watch.ts";
import { writeWhole } from "../util/files.ts";
import { scalarsOf } from "./scalars.ts";
import { type TrackerKind, timeOf } from "./tracker.ts";

export const trackio: TrackerKind = {
  folder: trackioFolder,
  look: (out) => (out === trackioFolder() ? "trackio show" : `TRACKIO_DIR=${out} trackio show`),
  async open({ dir, name, id, recipe }, out) {
    let config = recipe;
    return {
      async step(line) {
        const record = {
          v: 1,
          project: "grit",
          run: name,
          run_id: id,
          step: line.step,
          timestamp: new Date(await timeOf(dir, line.step)).toISOString(),
        };
        const metrics = Object.fromEntries(scalarsOf(line));
        const records = [
          { ...record, kind: "metric", metrics, config, log_id: `${id}-${line.step}` },
          ...begun(line).map((alarm) => ({
            ...record,
            kind: "alert",
            title: alarm.name,
            text: `${alarm.message} ${alarm.remedy}`,
            level: "warn",
            alert_id: `${id}-${line.step}-${alarm.name}`,
          })),
        ];
        config = undefined;
        const file = join(out, "inbox", `grit-${id}`, `${String(line.step).padStart(8, "0")}.jsonl`);
        writeWhole(file, records.map((each) => `${JSON.stringify(each)}\n`).join(""));
      },
      async close() {},
    };
  },
};

/** Where Trackio keeps its projects. */
function trackioFolder(): string {
  const { TRACKIO_DIR, HF_HOME, XDG_CACHE_HOME } = process.env;
  return TRACKIO_DIR || join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"), "trackio");
}
