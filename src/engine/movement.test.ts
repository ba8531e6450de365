import { describe, expect, it } from "vitest";
import { openTiny, promptOf, STEP } from "../../test/tiny.ts";
import { add_, floats } from "../torch/ops.ts";
import { disposeAll, tidy } from "../torch/tensor.ts";
import { MovementCheck } from "./movement.ts";

describe("parts that have not moved", () => {
  it("are all of the trained ones, until an update has reached them", () => {
    const { engine, golden } = openTiny("tied", { freeze: ["embeddings"] });
    const learn = (name: string) => {
      const prompt = golden.prompts.find((each) => each.name === name)!;
      const items = [{ ids: prompt.completion_ids, advantage: 0 }];
      engine.forwardBackward([{ prompt: promptOf(prompt), items }], { kind: "nll" });
    };
    try {
      learn("text");
      engine.step({ ...STEP, lr: 0 });
      expect(engine.still).toEqual(["vision", "connector", "language"]);
      learn("text");
      engine.step(STEP);
      expect(engine.still).toEqual(["vision", "connector"]);
      learn("wide");
      engine.step(STEP);
      expect(engine.still).toEqual([]);
    } finally {
      engine.dispose();
    }
  });
});

it("a frozen parameter that moves is an error, however small the step", () => {
  const tensors = { trained: floats([1, 2, 3], [3]), frozen: floats(new Float32Array(5000).fill(1), [50, 100]) };
  const check = new MovementCheck({
    trainable: [["trained", tensors.trained]],
    frozen: [["frozen", tensors.frozen]],
    model: { partOf: () => "language" },
  });
  const push = (tensor: keyof typeof tensors, by: number) => () =>
    tidy(() => void add_(tensors[tensor], floats([by], [])));
  expect(() => check.over(push("frozen", 1e-7))).toThrow(/changed frozen parameters: frozen/);
  check.over(() => {});
  expect(check.still).toEqual(["language"]);
  check.over(push("trained", 1e-6));
  expect(check.still).toEqual([]);
  disposeAll(tensors);
});
