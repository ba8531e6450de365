/**
 * @file The processor, and whether it multiplies bfloat16 natively (AVX512-BF16, AMX, Arm BF16). Elsewhere PyTorch emulates
 * the type, 3 to 150 times slower than float32.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

export interface ProcessorInfo {
  readonly name: string;
  /** `unknown`: its flags cannot be read. */
  readonly bfloat16: "native" | "emulated" | "unknown";
}

/** What the answer depends on; a test can describe another machine. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** The text of /proc/cpuinfo on Linux. */
  readonly cpuinfo: () => string;
  /** The value of a sysctl on macOS. */
  readonly sysctl: (name: string) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  cpuinfo: () => readFileSync("/proc/cpuinfo", "utf8"),
  sysctl: (name) => spawnSync("sysctl", ["-n", name], { encoding: "utf8" }).stdout ?? "",
  env: process.env,
};

/** This machine's processor. */
export function processor(): ProcessorInfo {
  return { name: cpus()[0]?.model.trim() || process.arch, bfloat16: bfloat16Of(thisMachine) };
}

/** How a machine computes bfloat16. */
export function bfloat16Of({ platform, arch, cpuinfo, sysctl, env }: Machine): ProcessorInfo["bfloat16"] {
  const word = (yes: boolean) => (yes ? "native" : "emulated");
  try {
    if (platform === "darwin" && arch === "arm64") return word(sysctl("hw.optional.arm.FEAT_BF16").trim() === "1");
    if (platform !== "linux") return "unknown";
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo())?.[1]?.trim().split(/\s+/);
    if (!flags) return "unknown";
    if (arch === "arm64") return word(flags.includes("bf16"));
    return word(!hidden(env) && (flags.includes("avx512_bf16") || flags.includes("amx_bf16")));
  } catch {
    return "unknown";
  }
}

/** Values of ONEDNN_MAX_CPU_ISA without bfloat16: oneDNN multiplies for PyTorch, and can be limited to them. */
const WITHOUT = /^(SSE41|AVX|AVX2|AVX2_VNNI|AVX2_VNNI_2|AVX512_CORE|AVX512_CORE_VNNI)$/i;

function hidden(env: Machine["env"]): boolean {
  return WITHOUT.test(env.ONEDNN_MAX_CPU_ISA ?? env.DNNL_MAX_CPU_ISA ?? "");
}
