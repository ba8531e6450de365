/** @file pip, as set-up uses it: which Python has it, one run of it, and what to say when it fails. */
import { ask, run, Stop } from "./shell.mjs";

/** `{python, pip}`: the Python 3 on PATH, and what its pip says of itself; undefined where there is none. */
export function findPip() {
  const python = ["python3", "python"].find((program) => ask(program, "--version"));
  return { python, pip: python && ask(python, "-m", "pip", "--version") };
}

/** Runs pip, which leaves its temporary files in `scratch`. */
export function runPip(python, scratch, ...args) {
  return run(python, ["-m", "pip", "--disable-pip-version-check", ...args], {
    env: { ...process.env, TMPDIR: scratch, PIP_ROOT_USER_ACTION: "ignore" },
  });
}

/** The message for a pip that could not bring `what`; `other` says what would do instead of it. */
export function pipFailed(python, what, stderr, other) {
  if (/NewConnectionError|ConnectTimeout|ReadTimeout|Max retries|ProxyError|name resolution|SSLError/.test(stderr)) {
    return new Stop("pip reached no package index.", `Connect to the network, name an index by --index URL, ${other}`);
  }
  if (/No matching distribution/.test(stderr)) {
    const message = `pip has no ${what} for ${ask(python, "--version")} on ${process.platform}-${process.arch}.`;
    return new Stop(message, `Check the network, use Python 3.10 or newer, name an index by --index URL, ${other}`);
  }
  return new Stop(
    `pip could not install ${what} (see its output above).`,
    `Fix that and run the command again, ${other}`,
  );
}
