import { expect, test } from "vitest";
import { UserError } from "../util/errors.ts";
import { needFinite } from "./need-finite.ts";

const update = { gradNorm: 1, skipped: false, notFinite: [], spoilt: undefined };

test("an update that was not finite ends a supervised training, which says what it was", () => {
  expect(() => needFinite(3, update)).not.toThrow();
  expect(() => needFinite(3, { ...update, skipped: true, notFinite: ["loss", "gradient"] })).toThrow(
    new UserError(
      "Step 3 was not finite (loss, gradient).",
      "Lower the learning rate, or compute in precision: float32.",
    ),
  );
  expect(() => needFinite(3, { ...update, spoilt: "lm_head.weight" })).toThrow(
    /step 3 left lm_head\.weight with values/,
  );
});
