import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldsOf } from "../../test/track/decode.ts";
import { double, float, message, text, whole } from "./protobuf.ts";

test("bytes as in the description of the encoding", () => {
  expect(whole(1, 150).toString("hex")).toBe("089601");
  expect(text(2, "testing").toString("hex")).toBe("120774657374696e67");
  expect(message(3, whole(1, 150)).toString("hex")).toBe("1a03089601");
  expect(float(5, 1).toString("hex")).toBe("2d0000803f");
  expect(double(1, 1).toString("hex")).toBe("09000000000000f03f");
});

test("what is written is read", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 20 }),
      fc.maxSafeNat(),
      fc.string({ unit: "grapheme" }),
      (field, n, s) => {
        expect(fieldsOf(Buffer.concat([whole(field, n), text(field, s)]))).toEqual([
          [field, n],
          [field, Buffer.from(s)],
        ]);
      },
    ),
  );
});
