/** @file Progress of samples through a model: first their prompts are checked, then the work is done. */
import type { LinesFollowing } from "../jobs/asked-lines.ts";
import { Progress, type Stage } from "../util/progress.ts";

/** The time to lay out a prompt, relative to asking it, as measured with the tiny base. */
const CHECK = 0.15;

/** The stages of work on so many samples: every prompt is laid out once, then the work of that name is done. */
export function askingStages(label: string, samples: number): [Stage, Stage] {
  return [
    { label: "check", total: samples, weight: CHECK },
    { label, total: samples },
  ];
}

/** Does some work on so many lines, and shows its progress under this label. */
export async function followed<T>(
  label: string,
  lines: number,
  work: (following: LinesFollowing) => Promise<T>,
): Promise<T> {
  const progress = new Progress(askingStages(label, lines));
  const result = await work({
    onChecked: (done) => progress.update(done),
    onProgress: (done) => {
      progress.enter(label);
      progress.update(done);
    },
  });
  progress.finish();
  return result;
}
