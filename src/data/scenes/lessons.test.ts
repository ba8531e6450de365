import { describe, expect, it, test } from "vitest";
import type { Box } from "../../records.ts";
import { stream } from "../../util/random.ts";
import { DEFAULT_MIXTURE, type Lesson, lessonsFor } from "./lessons.ts";
import { answerOf, countOf } from "./oracle.ts";
import { LOOK_PREFIX, viewOf, writeBox } from "./scene-chains.ts";
import { pretrainScene, type Scene } from "./world.ts";

const SUFFIX = " Think first.\n";
const BOX = /\b\d+,\s*\d+,\s*\d+,\s*\d+\b/g;
const SCALE = 0.7;
const view = viewOf({ imageWidth: 1, imageHeight: 1, frameWidth: SCALE, frameHeight: SCALE }, "frame");

const taught: { scene: Scene; lesson: Lesson }[] = Array.from({ length: 1500 }, (_, i) => i).flatMap((i) => {
  const random = stream(6, "test", i);
  const scene = pretrainScene(random);
  return lessonsFor(scene, random, view, SUFFIX).map((lesson) => ({ scene, lesson }));
});
const ofKind = (start: string) => taught.filter(({ lesson }) => lesson.kind.startsWith(start));

const written = ({ x1, y1, x2, y2 }: Box) => [x1, y1, x2, y2].map((value) => Math.round(value * SCALE)).join(",");
const writtenBoxes = (scene: Scene) => scene.objects.map(({ box }) => written(box));
const inFrame = (answer: string) =>
  answer.startsWith("[") ? `[${(JSON.parse(answer) as number[]).map((v) => Math.round(v * SCALE)).join(",")}]` : answer;
const questionOf = ({ prompt }: Lesson) => prompt.replace("\nQuestion: ", "").replace(SUFFIX, "");

describe("lessons", () => {
  it("come in the mixture's shares", () => {
    for (const [kind, share] of Object.entries(DEFAULT_MIXTURE.kinds)) {
      const got = taught.filter(({ lesson }) => lesson.kind.split("/")[0] === kind).length / taught.length;
      expect(got, kind).toBeCloseTo(share, 2);
    }
    for (const [style, share] of Object.entries(DEFAULT_MIXTURE.styles)) {
      expect(Math.abs(ofKind(`grit/${style}/`).length / ofKind("grit/").length - share), style).toBeLessThan(0.03);
    }
    const asked = [...ofKind("direct/"), ...ofKind("grit/")].map(({ lesson }) => lesson.kind.split("/").at(-1));
    for (const [dataset, share] of Object.entries(DEFAULT_MIXTURE.datasets)) {
      expect(Math.abs(asked.filter((name) => name === dataset).length / asked.length - share)).toBeLessThan(0.06);
    }
  });

  it("are the same for the same stream", () => {
    const again = stream(6, "test", 0);
    expect(lessonsFor(pretrainScene(again), again, view, SUFFIX)).toEqual(taught.slice(0, 6).map((t) => t.lesson));
  });

  it("end in the true answer, whatever the style", () => {
    for (const { scene, lesson } of [...ofKind("direct/"), ...ofKind("grit/")]) {
      const answer = lesson.response.split("<answer> ").at(-1);
      expect(answer, lesson.prompt).toBe(inFrame(answerOf(scene, questionOf(lesson))));
      expect(lesson.prompt.endsWith(SUFFIX)).toBe(lesson.kind.startsWith("grit/"));
    }
  });

  it("close a thought only where the next one follows, however sloppy they are", () => {
    const closing = ofKind("grit/").flatMap(({ lesson }) => lesson.response.match(/<\/\w+> <\w+>/g) ?? []);
    expect([...new Set(closing)].sort()).toEqual(["</rethink> <answer>", "</think> <rethink>"]);
  });

  it("write only boxes that are there, each readable by the box pattern", () => {
    for (const { scene, lesson } of taught) {
      const boxes = lesson.response.match(BOX) ?? [];
      expect(boxes.length).toBe(lesson.response.split("[").length - 1);
      for (const box of boxes) expect(writtenBoxes(scene)).toContain(box);
    }
  });

  it("list every object once, in reading order", () => {
    for (const { scene, lesson } of ofKind("detect-all")) {
      const boxes = lesson.response.match(BOX)!;
      expect([...boxes].sort()).toEqual(writtenBoxes(scene).sort());
      const patches = boxes.map((box) => {
        const { x1, y1, x2, y2 } = view.toFrame(scene.objects.find((object) => written(object.box) === box)!.box);
        return Math.floor((y1 + y2) / 56) * 100 + Math.floor((x1 + x2) / 56);
      });
      expect(patches).toEqual([...patches].sort((a, b) => a - b));
      for (const { color, shape, box } of scene.objects) {
        expect(lesson.response).toContain(`${color} ${shape} [${written(box)}]`);
      }
    }
  });

  it("count what they detect", () => {
    for (const { scene, lesson } of taught.filter(({ lesson }) => lesson.kind === "detect")) {
      const count = countOf(scene, /Detect all (.+)\./.exec(lesson.prompt)![1]!);
      expect(lesson.response.match(BOX) ?? []).toHaveLength(count);
      const [, label] = /(\w+ \w+) none$/.exec(lesson.response)!;
      expect(countOf(scene, label!)).toBe(count);
      const numbered = lesson.response.matchAll(new RegExp(`${label} (\\d+) \\[`, "g"));
      expect([...numbered].map(([, number]) => Number(number))).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    }
  });
});

describe("chains that look", () => {
  it("alone begin with the look prefix", () => {
    for (const { lesson } of ofKind("grit/")) {
      expect(lesson.response.startsWith(LOOK_PREFIX)).toBe(lesson.kind.startsWith("grit/look"));
    }
  });

  it("point at the gold boxes before they rethink", () => {
    for (const { scene, lesson } of ofKind("grit/look/tallyqa")) {
      const count = Number(answerOf(scene, questionOf(lesson)));
      expect(lesson.response.split("<rethink>")[0]!.match(BOX) ?? []).toHaveLength(count);
      expect(lesson.response).toMatch(
        count === 1 ? /There is 1 \w+ \w+\./ : new RegExp(`There are ${count} \\w+ \\w+s\\.`),
      );
    }
  });

  it("compare the coordinates as written, draw the true conclusion and set it beside the question", () => {
    const pattern =
      /Boxes: .+? \[(.+?)\] .+? \[(.+?)\] .*<rethink> (\d+) is (less|more) than (\d+), so (.+); the question: (.+)\. </;
    for (const { scene, lesson } of ofKind("grit/look/vsr")) {
      const [, first, second, a, comparison, b, found, asked] = pattern.exec(lesson.response)!;
      const coordinate = /left of|right of/.test(found!) ? 0 : 1;
      expect([a, b]).toEqual([first!.split(",")[coordinate], second!.split(",")[coordinate]]);
      expect(comparison).toBe(Number(a) < Number(b) ? "less" : "more");
      expect(questionOf(lesson)).toContain(` ${asked} `);
      expect(answerOf(scene, questionOf(lesson).replace(asked!, found!))).toBe("yes");
    }
  });

  it("are not copied by glances, which neither point nor count", () => {
    for (const { lesson } of ofKind("grit/glance")) {
      expect(lesson.response.split("<answer>")[0]).not.toMatch(/\d/);
    }
  });
});

describe("comparisons and sums", () => {
  it("are right", () => {
    for (const { lesson } of ofKind("compare")) {
      const [, a, operator, b, result] = /^(\d+) (?:is )?(less than|more than|plus|minus) (\d+)(?: is (\d+))?\.$/.exec(
        lesson.response,
      )!;
      const [x, y] = [Number(a), Number(b)];
      if (operator === "less than") expect(x).toBeLessThan(y);
      else if (operator === "more than") expect(x).toBeGreaterThan(y);
      else expect(Number(result)).toBe(operator === "plus" ? x + y : x - y);
    }
  });
});

test("thousandths are written in fives, pixels one by one", () => {
  const frame = { imageWidth: 240, imageHeight: 160, frameWidth: 224, frameHeight: 224 };
  const pixels = { space: "image", x1: 100, y1: 30, x2: 131, y2: 61 } as const;
  expect(writeBox(pixels, viewOf(frame, "permille"))).toBe("[415,190,545,380]");
  expect(writeBox(pixels, viewOf(frame, "frame"))).toBe("[93,42,122,85]");
});
