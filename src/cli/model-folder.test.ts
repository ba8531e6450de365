import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checkpointDir, grit, readLines, writeImage, writeLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { scratchPlaces } from "../../test/tiny.ts";
import { modelNamed } from "./model-folder.ts";

const place = scratchPlaces();
const dir = join(place(), "..");
const data = join(dir, "data.jsonl");

/** A run folder with these checkpoints. */
function runWith(...steps: number[]): string {
  const run = place();
  mkdirSync(join(run, "checkpoints"), { recursive: true });
  writeFileSync(join(run, "run.json"), "{}");
  for (const step of steps)
    cpSync(checkpointDir("tied"), join(run, "checkpoints", `step-${step}`), { recursive: true });
  return run;
}

function folderWith(file: string): string {
  const folder = place();
  mkdirSync(folder);
  writeFileSync(join(folder, file), "{}");
  return folder;
}

beforeAll(async () => {
  const line = { question: "Is the kite above the boat?", answer: "yes", dataset: "vsr", completion: "yes" };
  writeLines(data, [{ ...line, image: await writeImage(dir, "wide") }]);
});

describe("--model", () => {
  it("is a run's latest checkpoint in every command", async () => {
    const run = runWith(2, 10);
    expect(modelNamed(run)).toBe(join(run, "checkpoints", "step-10"));
    const asked = ["--model", run, "--data", data, "--device", DEVICE, "--method", "direct"];
    const [evaluated, generated, scored, probed] = [place(), place(), place(), place()];
    for (const argv of [
      ["eval", ...asked, "--out", evaluated, "--max-tokens", "3"],
      ["generate", ...asked, "--out", generated, "--max-tokens", "3"],
      ["score", ...asked, "--out", scored],
      ["probe", "correlation", ...asked, "--out", probed],
    ]) {
      const { code, err } = await grit(...argv);
      expect(err).toContain(`Opening ${join(run, "checkpoints", "step-10")}`);
      // "yes" has no box to probe; that is known only after the model was opened.
      expect(code).toBe(argv[0] === "probe" ? 2 : 0);
    }
    expect(readLines(scored)).toHaveLength(1);
  });

  it.each([
    ["no folder", () => place(), /no such folder/],
    ["a file", () => data, /is a file, not a model's folder/],
    ["a run without a checkpoint", () => runWith(), /has no checkpoint yet/],
    ["an evaluation", () => folderWith("manifest.json"), /is an evaluation, not a model/],
    ["anything else", () => folderWith("notes.txt"), /neither config\.json nor adapter_config\.json/],
    ["a folder of checkpoints", () => join(runWith(2), "checkpoints"), /It holds models; name one of them: .*step-2/],
  ])("that is %s is refused with what it is", (_, make, message) => {
    expect(() => modelNamed(make())).toThrow(message);
  });
});

it("a report of an evaluation names the command that shows it, and the table of a run likewise", async () => {
  const evaluation = folderWith("manifest.json");
  expect(await grit("report", evaluation)).toMatchObject({
    code: 2,
    err: `error: ${evaluation} is an evaluation, not a run folder.\n  Look at it with: grit eval --table ${evaluation}\n`,
  });
  const run = runWith();
  expect((await grit("eval", "--table", run)).err).toContain(
    `${run} is a run folder, not an evaluation.\n  Look at it with: grit report ${run}`,
  );
});
