import { expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { floats, fromBytes, toDevice, transpose } from "./ops.ts";
import { filled, piecesOf } from "./pieces.ts";
import { liveTensors, tidy } from "./tensor.ts";

/** Two whole pieces of 2^26 bytes and three bytes more. */
const LENGTH = 2 ** 27 + 3;

it("a tensor is filled and given out piece by piece, in order, whatever its length", () => {
  tidy(() => {
    const sizes: number[] = [];
    const x = filled([LENGTH], "uint8", (piece, at) => {
      expect(at).toBe(sizes.reduce((a, b) => a + b, 0));
      sizes.push(piece.length);
      piece.fill(sizes.length);
    });
    expect(sizes).toEqual([2 ** 26, 2 ** 26, 3]);
    expect(Array.from(piecesOf(toDevice(x, DEVICE)), (piece) => [piece.length, piece[0], piece.at(-1)])).toEqual([
      [2 ** 26, 1, 1],
      [2 ** 26, 2, 2],
      [3, 3, 3],
    ]);
  });
});

it("of a view the elements are given in its own order; of nothing no piece", () => {
  tidy(() => {
    const view = transpose(floats([1, 2, 3, 4, 5, 6], [2, 3]), 0, 1);
    const [piece] = [...piecesOf(view)];
    expect([...fromBytes(piece!, [6], "float32").toFloats()]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...piecesOf(floats([], [0, 3]))]).toEqual([]);
  });
});

it("a fill that fails leaves no tensor behind", () => {
  const before = liveTensors();
  const failing = () => {
    throw new Error("unreadable");
  };
  expect(() => filled([4], "uint8", failing)).toThrow("unreadable");
  expect(liveTensors()).toEqual(before);
});
