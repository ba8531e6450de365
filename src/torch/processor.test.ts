import { describe, expect, it } from "vitest";
import { computeType, precisionAdvice } from "./precision.ts";
import { bfloat16Of, type Machine } from "./processor.ts";

const machine = (overrides: Partial<Machine>): Machine => ({
  platform: "linux",
  arch: "x64",
  cpuinfo: () => "",
  sysctl: () => "",
  env: {},
  ...overrides,
});
const x64 = (flags: string) =>
  machine({ cpuinfo: () => `processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu ${flags}\n` });
const arm = (features: string) =>
  machine({ arch: "arm64", cpuinfo: () => `processor\t: 0\nFeatures\t: fp ${features}\n` });

describe("bfloat16 of a processor", () => {
  it.each([
    ["an AVX2 laptop", x64("avx2 fma"), "emulated"],
    ["AVX-512 without BF16", x64("avx2 avx512f avx512_vnni"), "emulated"],
    ["AVX512-BF16", x64("avx2 avx512f avx512_bf16"), "native"],
    ["AMX", x64("avx512f amx_tile amx_bf16"), "native"],
    ["an old Arm server", arm("asimd"), "emulated"],
    ["an Arm server with BF16", arm("asimd bf16 i8mm"), "native"],
    ["an M1", machine({ platform: "darwin", arch: "arm64", sysctl: () => "0\n" }), "emulated"],
    ["an M2", machine({ platform: "darwin", arch: "arm64", sysctl: () => "1\n" }), "native"],
    ["flags that are not there", machine({ cpuinfo: () => "model name: x\n" }), "unknown"],
    ["another system", machine({ platform: "freebsd" }), "unknown"],
  ] as const)("%s", (_, described, expected) => expect(bfloat16Of(described)).toBe(expected));

  it("is unknown where /proc cannot be read", () => {
    const cpuinfo = () => {
      throw new Error("ENOENT");
    };
    expect(bfloat16Of(machine({ cpuinfo }))).toBe("unknown");
  });

  it("is emulated where oneDNN is held to older instructions", () => {
    const { cpuinfo } = x64("avx512_bf16 amx_bf16");
    const held = (ONEDNN_MAX_CPU_ISA: string) => bfloat16Of(machine({ cpuinfo, env: { ONEDNN_MAX_CPU_ISA } }));
    expect(held("AVX2")).toBe("emulated");
    expect(held("avx512_core_vnni")).toBe("emulated");
    expect(held("AVX512_CORE_BF16")).toBe("native");
    expect(held("ALL")).toBe("native");
  });
});

describe("precision: auto", () => {
  const cpu = (bfloat16: "native" | "emulated" | "unknown") => () => ({ name: "x", bfloat16 });
  it("is bfloat16 on CUDA and where the processor multiplies it, else float32", () => {
    expect(computeType("auto", "cuda:0", cpu("unknown"))).toBe("bfloat16");
    expect(computeType("auto", "cpu", cpu("native"))).toBe("bfloat16");
    expect(computeType("auto", "cpu", cpu("emulated"))).toBe("float32");
    expect(computeType("auto", "cpu", cpu("unknown"))).toBe("float32");
  });

  it("does not overrule what is asked for", () => {
    expect(computeType("bfloat16", "cpu", cpu("emulated"))).toBe("bfloat16");
    expect(computeType("float32", "cuda:0", cpu("native"))).toBe("float32");
  });

  it.each([
    ["bf16", "Write bfloat16."],
    ["FP32", "Write float32."],
    ["half", "float16 is not supported: its range is too small to train in. Write bfloat16."],
    ["double", "Write auto, float32 or bfloat16."],
    ["constructor", "Write auto, float32 or bfloat16."],
  ])("%s gets the right word", (given, advice) => expect(precisionAdvice(given)).toBe(advice));
});
