import { beforeEach, describe, expect, it } from "vitest";
import {
  add,
  cast,
  equal,
  floats,
  fromBytes,
  Generator,
  ints,
  matmul,
  mul,
  normal_,
  reshape,
  sum,
  zeros,
} from "./ops.ts";
import { type DType, disposeAll, dtypes, keep, liveTensors, noGrad, scopeHere, type Tensor, tidy } from "./tensor.ts";

let before: ReturnType<typeof liveTensors>;
beforeEach(() => {
  before = liveTensors();
});
const grown = () => {
  const now = liveTensors();
  return { tensors: now.tensors - before.tensors, bytes: now.bytes - before.bytes };
};
const nothing = { tensors: 0, bytes: 0 };

describe("lifetimes", () => {
  it("a scope frees what was made in it, and hands out what it returns", () => {
    const x = tidy(() => {
      const a = floats([1, 2, 3], [3]);
      return mul(add(a, 1), 2);
    });
    expect(grown()).toEqual({ tensors: 1, bytes: 12 });
    expect(Array.from(x.toFloats())).toEqual([4, 6, 8]);
    x.dispose();
    expect(grown()).toEqual(nothing);
  });

  it("results are found in arrays, plain objects and maps", () => {
    const made = tidy(() => {
      const [a, b, c] = [1, 2, 3].map((value) => floats([value], [1])) as [Tensor, Tensor, Tensor];
      return { list: [a], map: new Map([["b", b]]), number: c.item() };
    });
    expect(grown().tensors).toBe(2);
    expect([made.list[0]!.item(), made.map.get("b")!.item(), made.number]).toEqual([1, 2, 3]);
    disposeAll(made);
    expect(grown()).toEqual(nothing);
  });

  it("what an inner scope returns belongs to the outer one", () => {
    tidy(() => {
      const inner = tidy(() => floats([1], [1]));
      expect(inner.item()).toBe(1);
      expect(grown().tensors).toBe(1);
    });
    expect(grown()).toEqual(nothing);
  });

  it("a kept tensor outlives every scope, also those outside the one it is kept in", () => {
    const kept: Tensor[] = [];
    tidy(() => {
      const outer = floats([1], [1]);
      tidy(() => kept.push(keep(outer), keep(floats([2], [1]))));
    });
    expect(kept.map((tensor) => tensor.item())).toEqual([1, 2]);
    disposeAll(kept);
    expect(grown()).toEqual(nothing);
  });

  it("a tensor made in an inner scope can live as long as an outer one", () => {
    tidy(() => {
      const home = scopeHere();
      const shared = tidy(() => {
        const made = home(floats([5], [1]));
        return () => made.item();
      });
      expect(shared()).toBe(5);
      expect(grown().tensors).toBe(1);
    });
    expect(grown()).toEqual(nothing);
  });

  it("`using` frees at the end of the block", () => {
    {
      using x = floats([1, 2], [2]);
      expect(x.size(0)).toBe(2);
      expect(grown().tensors).toBe(1);
    }
    expect(grown()).toEqual(nothing);
  });

  it("a scope that throws frees all the same", () => {
    expect(() =>
      tidy(() => {
        floats([1], [1]);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(grown()).toEqual(nothing);
    const outside = floats([1], [1]);
    expect(outside.disposed).toBe(false);
    outside.dispose();
  });

  it("a scope refuses a promise, since it would end before the work does", () => {
    expect(() => tidy(async () => floats([1], [1]))).toThrow("must be synchronous");
    expect(grown()).toEqual(nothing);
  });

  it("use after disposal names the shape; disposing twice is nothing", () => {
    const x = zeros([2, 3]);
    x.dispose();
    x.dispose();
    expect(x.disposed).toBe(true);
    expect(() => x.toFloats()).toThrow("Use of a disposed tensor (its shape was [2,3])");
    expect(() => add(x, 1)).toThrow("[2,3]");
    expect(grown()).toEqual(nothing);
  });

  it("views share their bytes", () => {
    tidy(() => {
      const x = zeros([4, 6]);
      reshape(x, [24]);
      expect(grown()).toEqual({ tensors: 2, bytes: 96 });
    });
  });
});

describe("errors", () => {
  it("name the operator and the shapes", () => {
    tidy(() => {
      expect(() => add(zeros([2, 3]), zeros([4]))).toThrow(/aten::add\.Tensor\(self \[2, 3\] Float, other \[4\] Float/);
      expect(() => matmul(zeros([2, 3]), ints([1, 2]))).toThrow(/aten::matmul\(self \[2, 3\] Float, other \[2\] Long/);
    });
  });

  it("are one clean message, without the library's own stack", () => {
    tidy(() => expect(() => reshape(zeros([3]), [2, 2])).toThrow(/^(?![\s\S]*(frame #|Exception raised from))/));
  });

  it("name a wrong type, a wrong size and a dimension that is not there", () => {
    tidy(() => {
      expect(() => ints([1]).toFloats()).toThrow("Expected a float32 tensor, got int64");
      expect(() => zeros([1]).toInts()).toThrow("Expected a int64 tensor, got float32");
      expect(() => fromBytes(new Uint8Array(7), [2], "float32")).toThrow("[2] float32 needs 8 bytes, got 7");
      expect(() => zeros([2, 3]).size(2)).toThrow("A tensor of shape [2,3] has no dimension 2");
      expect(() => zeros([2]).item()).toThrow();
    });
    expect(grown()).toEqual(nothing);
  });
});

describe("types", () => {
  it.each(Object.keys(dtypes) as DType[])("%s: bytes come back as they went in", (dtype) => {
    tidy(() => {
      const x = cast(floats([0, 1, 1, 0, 1, 0], [2, 3]), dtype);
      const y = fromBytes(x.toBytes(), [2, 3], dtype);
      expect(y.dtype).toBe(dtype);
      expect(equal(x, y)).toBe(true);
      expect(Array.from(cast(y, "float32").toFloats())).toEqual([0, 1, 1, 0, 1, 0]);
    });
  });

  it("bfloat16 rounds to nearest, ties to even; float32 in it is exact", () => {
    tidy(() => {
      const round = (x: number) => cast(cast(floats([x], []), "bfloat16"), "float32").item();
      expect([1 + 2 ** -7, 1 + 2 ** -8, 1 + 3 * 2 ** -8].map(round)).toEqual([1 + 2 ** -7, 1, 1 + 2 ** -6]);
    });
  });

  it("int64 holds every id exactly, and bytes are taken from the middle of a buffer", () => {
    tidy(() => {
      expect(ints([0, -1, 2 ** 40, Number.MAX_SAFE_INTEGER]).toInts()).toEqual([
        0,
        -1,
        2 ** 40,
        Number.MAX_SAFE_INTEGER,
      ]);
      const bytes = new Uint8Array(Float32Array.from([7, 8, 9]).buffer);
      expect(Array.from(fromBytes(bytes.subarray(4), [2], "float32").toFloats())).toEqual([8, 9]);
    });
  });
});

describe("differentiation", () => {
  it("takes a gradient for a tensor that is no scalar, and adds up", () => {
    tidy(() => {
      const x = floats([1, 2, 3], [3]).requiresGrad();
      const squares = () => mul(x, x);
      expect(x.grad()).toBeUndefined();
      squares().backward(floats([1, 10, 100], [3]));
      expect(Array.from(x.grad()!.toFloats())).toEqual([2, 40, 600]);
      sum(squares()).backward();
      expect(Array.from(x.grad()!.toFloats())).toEqual([4, 44, 606]);
      expect(() => squares().backward()).toThrow(/scalar/);
      x.clearGrad();
      expect(x.grad()).toBeUndefined();
    });
    expect(grown()).toEqual(nothing);
  });

  it("records nothing within noGrad, and again after it, also when it throws", () => {
    tidy(() => {
      const x = floats([3], []).requiresGrad();
      expect(() => noGrad(() => mul(x, x)).backward()).toThrow(/grad/);
      expect(() =>
        noGrad(() => {
          throw new Error("inside");
        }),
      ).toThrow("inside");
      mul(x, x).backward();
      expect(x.grad()!.item()).toBe(6);
    });
  });
});

describe("generators", () => {
  const draw = (generator: Generator) => tidy(() => Array.from(normal_(zeros([5]), 0, 1, generator).toFloats()));

  it("go on from a saved state, and are equal for equal seeds only", () => {
    using generator = new Generator(7);
    const first = draw(generator);
    const { state } = generator;
    const next = draw(generator);
    expect(next).not.toEqual(first);
    generator.state = state;
    expect(draw(generator)).toEqual(next);
    using same = new Generator(7);
    expect(draw(same)).toEqual(first);
    using other = new Generator(8);
    expect(draw(other)).not.toEqual(first);
  });

  it("refuse a state that is none", () => {
    using generator = new Generator(7);
    expect(() => {
      generator.state = new Uint8Array(3);
    }).toThrow();
    expect(grown()).toEqual(nothing);
  });
});
