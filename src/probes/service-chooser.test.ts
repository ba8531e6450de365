import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JudgeServer, type Received, USAGE } from "../../test/judge-server.ts";
import { parseChain } from "../chain/parse.ts";
import { judgeSchema } from "../config/judge-settings.ts";
import type { RgbImage } from "../prompt/resize.ts";
import { makeSample, plainFrame } from "../rewards/fixtures.ts";
import { UserError } from "../util/errors.ts";
import { choicePrompt, correlationSummary, drawable, pick } from "./correlation.ts";
import { drawBoxes } from "./draw-boxes.ts";
import { readChoice, serviceChooser } from "./service-chooser.ts";

let server: JudgeServer;
let dir: string;

beforeEach(async () => {
  server = await new JudgeServer().start();
  dir = mkdtempSync(join(tmpdir(), "grit-chooser-"));
  process.env.GRIT_TEST_KEY = "secret-key";
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
  delete process.env.GRIT_TEST_KEY;
});

const open = (settings: object = {}) =>
  serviceChooser(
    judgeSchema.parse({
      name: "openai",
      openai: { base_url: server.url, key_env: "GRIT_TEST_KEY", cache: join(dir, "cache"), ...settings },
    }),
    { waits: { first: 5, longest: 40 } },
  );

const image: RgbImage = { width: 600, height: 30, rgb: new Uint8Array(600 * 30 * 3).fill(255) };
const chain = parseChain("<think>a cat (2, 3, 20, 25)</think><rethink>there</rethink><answer>1", {
  space: "frame",
  frame: plainFrame,
});
const ask = (chooser: Awaited<ReturnType<typeof open>>, repeats = 6) =>
  pick(chooser, { sample: makeSample({}), chain }, image, { repeats, seed: 1 });

it("shows both pictures under their names, and asks in the paper's words at temperature 0", async () => {
  const own = await sharp(drawBoxes(image, drawable(chain)).rgb, { raw: { width: 600, height: 30, channels: 3 } })
    .png()
    .toBuffer();
  server.choose = ({ pictures }: Received) => `Image ${pictures[1]!.equals(own) ? 1 : 0}`;
  const chooser = await open();
  const picks = await ask(chooser);
  expect(correlationSummary(picks)).toMatchObject({ n: 1, mean: 1 });
  expect(new Set(picks.map(({ right }) => right)).size).toBe(2);
  const { text, body, pictures } = server.received.at(-1)!;
  expect(text).toBe(`Image 0:\nImage 1:\n${choicePrompt(chain)}`);
  expect(body.temperature).toBe(0);
  expect(pictures).toHaveLength(2);
});

it("is asked once about the same pictures, and enters what it cost", async () => {
  const chooser = await open({ price: { input: 1, output: 1 }, budget: 1 });
  const picks = await ask(chooser);
  const sent = server.received.length;
  expect(sent).toBe(7);
  expect(chooser.spent()).toMatchObject({ input: 7 * USAGE.prompt_tokens });
  expect(await ask(await open())).toEqual(picks);
  expect(server.received.length).toBe(sent + 1);
  const [reserved] = readFileSync(join(dir, "cache/ledger.jsonl"), "utf8").split("\n", 1);
  expect((JSON.parse(reserved!) as { reserved: { input: number } }).reserved.input).toBeGreaterThan(2 * (2833 + 5667));
});

it("gives no choice where the reply is none", async () => {
  const chooser = await open();
  server.choose = () => "Both look alike.";
  expect(await ask(chooser, 1)).toMatchObject([{ chosen: { unscored: expect.stringContaining("is not a choice") } }]);
});

it("is refused before anything starts when it sees no pictures, or is no service", async () => {
  server.behave = () => ({ status: 400, message: "this model takes no images" });
  await expect(open()).rejects.toThrow(/gives no choice on a plain question: HTTP 400: this model takes no images/);
  await expect(serviceChooser({ name: "exact" })).rejects.toThrow(UserError);
});

it.each([
  ["Image 0", 0],
  ["image 1.", 1],
  ["The boxes of Image 1 match.", 1],
  ["Image 0, not Image 1", undefined],
  ["0", undefined],
  ["Image 10", undefined],
] as const)("reads %j", (reply, choice) => {
  expect(readChoice(reply)).toBe(choice);
});
