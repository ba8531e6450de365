import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stream } from "../../src/util/random.ts";
import { LAYOUTS, opening } from "./checkpoint.ts";
import { KEY, kinds, makeInput, outcomeOf, Trials } from "./hostile.ts";
import { commandOn, RUN_COMMANDS, soundRun } from "./sound-run.ts";

/** Of every kind; `npm run test:hostile` tries more. */
const SAMPLE = 3;

const scratch = mkdtempSync(join(tmpdir(), "grit-hostile-"));
// A busy machine is no fault: here the limit only ends what hangs.
const trials = new Trials(scratch, 120);
afterAll(async () => {
  await trials.close();
  rmSync(scratch, { recursive: true });
});

describe.each(kinds())("hostile input of the kind %s", (kind) => {
  it.each(Array.from({ length: SAMPLE }, (_, index) => index))("%i ends in a clear error", async (index) => {
    const { outcome, detail, input } = await trials.try(kind, index, await makeInput(kind, 1, index));
    expect([outcome, input.name, outcome === "clear" ? "" : detail]).toEqual(["clear", input.name, ""]);
  });
});

describe("a trial", () => {
  const spoiled = (files: Record<string, string>, names: string[]) =>
    opening(stream(1, "trial"), "qwen2_5_vl/tied", { name: "a trial", files, names });

  it.each(LAYOUTS)("sees that a sound folder is accepted: %s", async (layout) => {
    const sound = opening(stream(1, "trial"), layout, { name: "sound", files: {}, names: [] });
    expect(await trials.try("sound", 0, sound)).toMatchObject({ outcome: "accepted" });
  });

  it.each(RUN_COMMANDS)("sees that a sound run is accepted: %s", async (command) => {
    const { dir, recipe } = await soundRun();
    const sound = { name: "sound", bases: { run: dir }, files: {}, command: commandOn(command, recipe), names: [] };
    expect(await trials.try("sound", 0, sound)).toMatchObject({ outcome: "accepted" });
  });

  it("sees a key that is told, and a score that no service gave", async () => {
    const judged = async (body: unknown) => {
      const input = { ...(await makeInput("judge-bodies", 1, 0)), service: () => ({ body }), names: [] };
      return (await trials.try("told", 0, input)).outcome;
    };
    expect(await judged({ error: { message: `no quota for ${KEY}` } })).toBe("clear");
    expect(await judged({ choices: [{ message: { content: '{"score": 1}' } }] })).toBe("accepted");
    const echo = {
      name: "echo",
      files: { "recipe.yaml": `model: ${KEY}` },
      names: [],
      service: () => "judge" as const,
    };
    const ended = await trials.try("told", 1, { ...echo, command: ["train", "DIR/recipe.yaml", "--run", "DIR/run"] });
    expect(ended.outcome).toBe("escaped");
  });

  it("sees what an error does not name", async () => {
    const broken = (names: string[]) => trials.try("trial", 0, spoiled({ "config.json": "{" }, names));
    expect(await broken(["config.json"])).toMatchObject({ outcome: "clear" });
    expect(await broken(["depth"])).toMatchObject({
      outcome: "unclear",
      detail: expect.stringMatching(/not name depth/),
    });
  });

  it.each([
    ["crash", { code: 1, printed: "TypeError: x is not a function\n    at f (file:///a.ts:1:2)" }],
    ["unclear", { code: 2, printed: "error: It failed.\n    at f (file:///a.ts:1:2)" }],
    ["unclear", { code: 2, printed: "error: It failed." }],
    ["hang", { code: 2, printed: "error: It failed.\n  Mend it.", bytes: 3e9 }],
    ["accepted", { code: 0, printed: "" }],
    ["clear", { code: 2, printed: "Opening a\nerror: It failed.\n  Mend it." }],
  ])("tells how a command ended: %s", (outcome, ended) => {
    expect(outcomeOf({ how: "exit", bytes: 0, ...ended }, [])[0]).toBe(outcome);
  });
});
