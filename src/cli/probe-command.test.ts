import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkpointDir, grit, readLines, writeImage, writeLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { JudgeServer } from "../../test/judge-server.ts";
import { scratch } from "../../test/tiny.ts";

const dir = scratch();
const [data, out] = [join(dir, "in.jsonl"), join(dir, "out")];
beforeAll(() => writeImage(dir, "wide"));
beforeEach(() => rmSync(out, { recursive: true, force: true }));

const line = { image: "wide.png", question: "Is the kite above the boat?", answer: "yes", dataset: "vsr" };
const reasoned =
  "<think>kite (2, 3, 60, 50), boat (40, 20, 130, 80)</think><rethink>above</rethink><answer>yes</answer>";
const probe = (kind: string, lines: readonly object[], ...options: string[]) =>
  grit(
    ...["probe", kind, "--model", checkpointDir("tied"), "--data", writeLines(data, lines), "--out", out],
    ...["--method", "direct", "--device", DEVICE, "--max-tokens", "6", ...options],
  );
const rows = <T>() => readLines<T>(join(out, "rows.jsonl"));
const summary = () => JSON.parse(readFileSync(join(out, "summary.json"), "utf8")) as unknown;

describe("grit probe", () => {
  it("measures faithfulness over given chains and those it writes", async () => {
    const run = await probe("faithfulness", [{ ...line, completion: reasoned }, line]);
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining("those of 2 that rethink") });
    const outcomes = rows<{ id: string; probe: string; acc: number; originalLogprob: number }>();
    expect(outcomes.map(({ id, probe }) => `${id} ${probe}`)).toEqual(
      ["intact", "boxes_removed", "boxes_shuffled", "thinking_removed"].map((each) => `vsr-1 ${each}`),
    );
    expect(new Set(outcomes.map(({ originalLogprob }) => originalLogprob)).size).toBe(4);
    expect(summary()).toMatchObject([{ probe: "boxes_removed", n: 1, acc: { n: 1 } }, { n: 1 }, { n: 1 }]);
  });

  it("observes attention, and draws it", async () => {
    const run = await probe(
      "attention",
      [
        { ...line, completion: reasoned },
        { ...line, completion: "yes" },
      ],
      "--tokens",
      "4",
    );
    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/mean of 1 of 2 chains, %: [\d.]+ with boxes/) });
    const [observed] = rows<{ id: string; withBoxes: number[][] }>();
    expect(observed).toMatchObject({ id: "vsr-1", withBoxes: expect.arrayContaining([expect.any(Array)]) });
    expect(readFileSync(join(out, "attention.svg"), "utf8")).toMatch(
      /^<svg xmlns[\s\S]*d="M[\d. L]+h0"[\s\S]*<\/svg>\n$/,
    );
  });

  it("measures correlation, the same in whatever order the lines come", async () => {
    const lines = ["one", "two"].map((id) => ({ ...line, id, completion: reasoned }));
    const run = await probe("correlation", [...lines, { ...line, completion: "no box" }], "--repeats", "2");
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining("2 looks at 2 of 3 chains") });
    const picks = rows<{ id: string }>();
    rmSync(out, { recursive: true });
    expect(await probe("correlation", [...lines].reverse(), "--repeats", "2")).toMatchObject({ code: 0 });
    const byId = (list: readonly { id: string }[]) => [...list].sort((a, b) => a.id.localeCompare(b.id));
    expect(byId(rows<{ id: string }>())).toEqual(byId(picks));
    expect(summary()).toMatchObject({ n: 2, unscored: 0, repeats: [expect.any(Number), expect.any(Number)] });
  });

  it("asks a service for verdicts and for choices, and says what it cost", async () => {
    const server = await new JudgeServer().start();
    process.env.GRIT_TEST_KEY = "any";
    const judge = join(dir, "judge.yaml");
    const openai = { base_url: server.url, key_env: "GRIT_TEST_KEY", cache: join(dir, "judge-cache") };
    writeFileSync(judge, JSON.stringify({ name: "openai", openai }));
    const cost = /^judge gpt-4o-2024-11-20: [\d,]+ tokens asked, [\d,]+ answered, no openai.price/m;
    try {
      const given = [{ ...line, completion: reasoned }];
      expect(await probe("faithfulness", given, "--judge", judge)).toMatchObject({
        code: 0,
        out: expect.stringMatching(cost),
      });
      // The model writes no <answer>, which scores 0 unasked: only what proves the service is.
      expect(server.received).toHaveLength(1);
      rmSync(out, { recursive: true });
      expect(await probe("correlation", given, "--chooser", judge, "--repeats", "2")).toMatchObject({
        code: 0,
        out: expect.stringMatching(cost),
      });
      expect(rows<{ chosen: number }>().map(({ chosen }) => chosen)).toEqual([0, 0]);
    } finally {
      await server.stop();
      delete process.env.GRIT_TEST_KEY;
    }
  });

  it("refuses what cannot be probed", async () => {
    const fails = async (kind: string, lines: readonly object[], ...options: string[]) => {
      const { code, err } = await probe(kind, lines, ...options);
      expect(code).toBe(2);
      return err;
    };
    expect(await fails("faithfulness", [{ ...line, completion: "yes" }])).toContain("No chain has a <rethink>.");
    expect(await fails("attention", [{ ...line, completion: "<rethink>yes" }])).toContain("No chain has a box before");
    expect(await fails("correlation", [{ ...line, completion: "yes" }])).toContain("No chain has a box.");
    expect(await fails("faithfulness", [{ ...line, completion: "" }])).toContain(`${data}:1: completion: is empty`);
    expect(await fails("faithfulness", [{ ...line, completion: "a <|image_pad|>" }])).toMatch(
      /in\.jsonl:1: completion: the text contains <\|image_pad\|>/,
    );
    expect(await fails("faithfulness", [{ ...line, completion: "a ".repeat(5000) }])).toMatch(
      /in\.jsonl:1: Sample vsr-1: a prompt of \d+ tokens and \d+ new ones make \d+, more than the model's 4096/,
    );
    expect(await fails("faithfulness", [line], "--out", dir)).toContain("already exists");
  });
});
