/**
 * @file TensorBoard: an event file with every number of a step, and the recipe and the alarms as texts.
 * Messages: tensorboard/compat/proto/event.proto, summary.proto, tensor.proto.
 */
import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { begun } from "../alarms/watch.ts";
import { eventRecord } from "./event-record.ts";
import { double, float, message, text, whole } from "./protobuf.ts";
import { scalarsOf } from "./scalars.ts";
import { type TrackerKind, timeOf } from "./tracker.ts";

/** What the names of our files end in: others in the folder are left alone. */
const OURS = ".grit";

export const tensorboard: TrackerKind = {
  folder: (run) => join(run, "track", "tensorboard"),
  look: (out) => `tensorboard --logdir ${out}`,
  async open({ dir, recipe }, out) {
    await mkdir(out, { recursive: true });
    const isOurs = (name: string) => name.startsWith("events.out.tfevents.") && name.endsWith(OURS);
    for (const name of (await readdir(out)).filter(isOurs)) await rm(join(out, name));
    // A new name each time: TensorBoard goes on reading an open file where it has stopped.
    const now = Date.now();
    const file = join(
      out,
      `events.out.tfevents.${String(Math.floor(now / 1000)).padStart(10, "0")}.${now % 1000}${OURS}`,
    );
    await writeFile(file, Buffer.concat([versionEvent(now), startEvent(now), textEvent(now, 0, recipeText(recipe))]));
    return {
      async step(line) {
        const time = await timeOf(dir, line.step);
        const scalars = scalarsOf(line).map(([tag, value]) => message(VALUE, text(1, tag), float(2, value)));
        const alarms = begun(line).map(({ name, message: what, remedy }) =>
          textEvent(time, line.step, { tag: `alarms/${name}`, markdown: `**${what}**\n\n${remedy}` }),
        );
        await appendFile(file, Buffer.concat([event(time, line.step, message(SUMMARY, ...scalars)), ...alarms]));
      },
      async close() {},
    };
  },
};

/** Of an `Event`: the field of its summary; of a `Summary`: that of its values. */
const SUMMARY = 5;
const VALUE = 1;

/** @param time milliseconds since 1970 */
function event(time: number, step: number, content: Buffer): Buffer {
  return eventRecord(Buffer.concat([double(1, time / 1000), whole(2, step), content]));
}

/** The first record of every file. */
function versionEvent(time: number): Buffer {
  return event(time, 0, text(3, "brain.Event:2"));
}

/** `SessionLog.START`: a TensorBoard that is running forgets what an earlier file of the folder said from this step on. */
function startEvent(time: number): Buffer {
  return event(time, 0, message(7, whole(1, 1)));
}

/** A text as the plugin `text` takes it: a tensor of one string. */
function textEvent(time: number, step: number, { tag, markdown }: { tag: string; markdown: string }): Buffer {
  const metadata = message(9, message(1, text(1, "text")));
  const DT_STRING = 7;
  const tensor = message(8, whole(1, DT_STRING), message(2), text(8, markdown));
  return event(time, step, message(SUMMARY, message(VALUE, text(1, tag), metadata, tensor)));
}

function recipeText(recipe: unknown): { tag: string; markdown: string } {
  return { tag: "recipe", markdown: `\`\`\`yaml\n${stringify(recipe)}\`\`\`` };
}
