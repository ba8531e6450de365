/** @file `grit track RUN`: a run as files that other programs open. */
import { Argument, Command, Option } from "commander";
import { TRACKER_NAMES, type TrackerName } from "../config/recipe.ts";
import { trackRun } from "../track/track-run.ts";

/** The command `track`. It reads finished and live runs; called again, it writes all steps anew. */
export function trackCommand(): Command {
  return new Command("track")
    .description("write a run, finished or still running, as files that TensorBoard, W&B, Trackio or pandas open")
    .addArgument(new Argument("<run>", "a run folder, for example runs/quickstart"))
    .addOption(new Option("--to <tracker>", "who is to open them").choices(TRACKER_NAMES).makeOptionMandatory())
    .option("--out <dir>", "where to write (default: RUN/track, for trackio its own folder)")
    .action(async (run: string, { to, out }: { to: TrackerName; out?: string }) => {
      const { steps, out: folder, look } = await trackRun(run, to, out);
      console.log(`${steps} ${steps === 1 ? "step" : "steps"} in ${folder}; look at them with:\n  ${look}`);
    });
}
