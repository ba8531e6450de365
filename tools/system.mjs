/**
 * @file Which system this is: whether it is supported, and the command that installs a missing program on it. Set-up and
 * `grit doctor` both ask here.
 */
import { readFileSync } from "node:fs";

/** What the functions below ask about: this machine, unless a test describes another one. */
export function thisSystem() {
  let osRelease = "";
  try {
    osRelease = readFileSync("/etc/os-release", "utf8");
  } catch {} // macOS, and a Linux that has no such file, where no command can be named
  const { platform, arch } = process;
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  return { platform, arch, glibc, osRelease, administrator: process.getuid?.() === 0 };
}

/**
 * Whether a system is supported, and for one that is not fully: what to know or do. One without libtorch among PyTorch's
 * wheels (musl, macOS on x64) cannot be.
 * @returns {{ name: string, level: "supported" | "untested" | "unsupported", advice: string }}
 */
export function supportOf({ platform, arch, glibc }) {
  const name = `${platform} ${arch}`;
  const advice = "Use Linux on x64 or arm64 with glibc, or macOS on arm64 (untested).";
  if (platform === "win32") {
    return { name, level: "unsupported", advice: "Use WSL2: run `wsl --install`, then clone and set up in its Linux." };
  }
  if (platform === "linux" && !glibc) {
    const why = "libtorch needs glibc, which Alpine and other systems with musl lack.";
    return { name: `${name} with musl`, level: "unsupported", advice: `${why} ${advice}` };
  }
  if (platform === "linux" && ["x64", "arm64"].includes(arch)) return { name, level: "supported", advice: "" };
  if (platform === "darwin" && arch === "arm64") {
    return { name, level: "untested", advice: "The same CMake should build here, but nobody has tried it yet." };
  }
  return { name, level: "unsupported", advice };
}

/** Package managers and their packages, by the name in os-release of a distribution and of those that are like it. */
const MANAGERS = [
  { like: "debian", install: "apt install", compiler: "g++", pip: "python3-pip" },
  { like: "fedora", install: "dnf install", compiler: "gcc-c++", pip: "python3-pip" },
  { like: "arch", install: "pacman -S", compiler: "gcc", pip: "python-pip" },
  { like: "suse", install: "zypper install", compiler: "gcc-c++", pip: "python3-pip" },
];
const MACOS = { compiler: "xcode-select --install", pip: "brew install python" };

/** The sentence that says how to install what is missing on a system, each of `missing` being "compiler" or "pip". */
export function howToInstall({ platform, osRelease, administrator }, missing) {
  if (platform === "darwin") return `Run \`${missing.map((need) => MACOS[need]).join(" && ")}\`.`;
  const names = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap((line) => line[1].match(/[\w.-]+/g) ?? []);
  const manager = MANAGERS.find(({ like }) => names.includes(like));
  if (!manager) return "Install it with the package manager of this system.";
  const command = `${manager.install} ${missing.map((need) => manager[need]).join(" ")}`;
  return `Run \`${administrator ? "" : "sudo "}${command}\`.`;
}
