/** @file The Hugging Face hub as the environment describes it, by the variables that its own Python tools read. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { UserError } from "../util/errors.ts";

export interface Hub {
  /** Its address, without a slash at the end. */
  readonly endpoint: string;
  /** The folder of its files on this machine. */
  readonly cache: string;
  /** The access token; never shown. */
  readonly token: string | undefined;
  /** No downloads are allowed. */
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * HF_ENDPOINT, HF_TOKEN (or the file `token` in HF_HOME, where `hf auth login` keeps it), HF_HUB_OFFLINE, and those of
 * `cacheFolder`. @throws UserError when HF_ENDPOINT is not a URL
 */
export function hubFrom(env: Environment = process.env): Hub {
  const endpoint = (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!/^https?:\/\/[^/]/.test(endpoint))
    throw new UserError(`HF_ENDPOINT is ${endpoint}, which is not a URL.`, "Write it as https://host.");
  const offline = env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || "";
  return { endpoint, cache: cacheFolder(env), token: tokenFrom(env), offline: /^(1|on|yes|true)$/i.test(offline) };
}

/** HF_HUB_CACHE, else `hub` in HF_HOME, else in ~/.cache/huggingface; absolute. */
export function cacheFolder(env: Environment = process.env): string {
  return absolute(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home(env), "hub"));
}

function home(env: Environment): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
}

function tokenFrom(env: Environment): string | undefined {
  const file = absolute(env.HF_TOKEN_PATH || join(home(env), "token"));
  const token = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (existsSync(file) ? readFileSync(file, "utf8") : "");
  return token.trim() || undefined;
}

/** A shell does not expand ~ in a variable that something else has set. */
function absolute(path: string): string {
  return resolve(path.replace(/^~(?=\/|$)/, homedir()));
}
