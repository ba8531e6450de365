import { describe, expect, it } from "vitest";
import { stream } from "../../util/random.ts";
import { answerOf, countOf } from "./oracle.ts";
import { DATASETS, type Dataset, goldBoxes, type Question } from "./question.ts";
import { ASKERS } from "./questions.ts";
import { offsetAlong } from "./relations.ts";
import { pretrainScene, type Scene } from "./world.ts";

/** Many questions of a data set, each with its scene, yes and no wanted in turn. */
function ask(dataset: Dataset, scenes = 400): { scene: Scene; question: Question; affirm: boolean }[] {
  return Array.from({ length: scenes }, (_, i) => i).flatMap((i) => {
    const random = stream(5, dataset, i);
    const scene = pretrainScene(random);
    const affirm = i % 2 === 0;
    return ASKERS[dataset].flatMap((asker) => {
      const question = asker(scene, random, affirm);
      return question ? [{ scene, question, affirm }] : [];
    });
  });
}

describe.each(DATASETS)("%s", (dataset) => {
  const asked = ask(dataset);

  it("asks in enough scenes, without ambiguity, and knows the answer", () => {
    expect(asked.length).toBeGreaterThan(100);
    for (const { scene, question } of asked) {
      const { answer } = question;
      const written = typeof answer === "string" ? answer : `[${answer.x1}, ${answer.y1}, ${answer.x2}, ${answer.y2}]`;
      expect(written, question.text).toBe(answerOf(scene, question.text));
    }
  });

  it("answers yes and no as wanted", () => {
    for (const { question, affirm } of asked) {
      if (question.answer === "yes" || question.answer === "no") expect(question.answer === "yes").toBe(affirm);
    }
  });

  it("has objects' boxes as gold, each once", () => {
    for (const { scene, question } of asked) {
      const boxes = goldBoxes(question);
      expect(new Set(boxes).size).toBe(boxes.length);
      for (const box of boxes) expect(scene.objects.map((object) => object.box)).toContain(box);
    }
  });
});

describe("counting questions", () => {
  it("have as many gold boxes as the count", () => {
    for (const { question } of ask("tallyqa")) expect(goldBoxes(question)).toHaveLength(Number(question.answer));
  });
});

describe("referring expressions", () => {
  it("name an object by colour, shape or both, and describe others too without the relation", () => {
    const asked = ask("refcoco");
    const named = asked.map(({ scene, question }) => {
      const name = /^the (.+) (?:left of|right of|above|below) the /.exec(question.phrase!)![1]!;
      expect(countOf(scene, name)).toBeGreaterThan(1);
      return name;
    });
    const forms = [/^(red|green|blue|yellow|purple|orange) object$/, /^\w+$/, /^\w+ (circle|square|triangle|cross)$/];
    for (const form of forms)
      expect(named.filter((name) => form.test(name)).length / named.length).toBeGreaterThan(0.1);
  });
});

describe("relation questions", () => {
  it("are mostly about small offsets, and leave no direction out", () => {
    const asked = ask("vsr").map(({ question }) => question);
    const offsets = asked.map(({ look, compared }) =>
      offsetAlong(look[0]!.objects[0]!, look[1]!.objects[0]!, compared!),
    );
    expect(offsets.filter((offset) => offset <= 50).length / offsets.length).toBeGreaterThan(0.6);
    for (const relation of ["left of", "right of", "above", "below"]) {
      const share = asked.filter(({ text }) => text.includes(relation)).length / asked.length;
      expect(share, relation).toBeGreaterThan(0.15);
    }
  });
});
