import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, sendFrame } from "./frames.ts";

const values = [
  { kind: "beat" },
  { ids: [1, 2], logprobs: [Number.NaN, -1.5], text: "ö" },
  new Float32Array(9),
  undefined,
];

test("values arrive whole, however their bytes are cut", () => {
  const wire = new PassThrough();
  for (const value of values) sendFrame(wire as unknown as Socket, value);
  const bytes = wire.read() as Buffer;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const reader = new FrameReader();
      const read: unknown[] = [];
      for (let start = 0, i = 0; start < bytes.length; i++) {
        const end = start + sizes[i % sizes.length]!;
        read.push(...reader.push(bytes.subarray(start, end)));
        start = end;
      }
      expect(read).toEqual(values);
    }),
  );
});

test("a length beyond all measure is refused", () => {
  expect(() => new FrameReader().push(Buffer.from([255, 255, 255, 255]))).toThrow(/4294967295 bytes/);
});
