/** @file What the hub's refusals mean, and what to do about each. */
import { UserError } from "../util/errors.ts";
import type { Hub } from "./hub.ts";
import type { ModelId } from "./id.ts";

/** What was asked for. */
export interface Wanted extends ModelId {
  /** A file of it; without one, its listing. */
  readonly file?: string;
}

/** The error for a status from 400 that will not pass. The hub names the case in X-Error-Code. */
export function refusal(hub: Hub, wanted: Wanted, status: number, headers: Headers): UserError {
  const { repo, revision, file } = wanted;
  const [code, said] = [headers.get("x-error-code"), headers.get("x-error-message")];
  const page = `${hub.endpoint}/${repo}`;
  const tokens = `${hub.endpoint}/settings/tokens`;
  if (code === "GatedRepo" || (status === 403 && /gated/i.test(said ?? "")))
    return new UserError(
      `${repo} is gated: only accounts that have accepted its conditions may download it (status ${status}).`,
      `Accept them at ${page}, then set HF_TOKEN to a token of that account (${tokens}) and run the same command again.`,
    );
  if (code === "RevisionNotFound")
    return new UserError(`${repo} has no revision ${revision}.`, `${page}/tree/main lists its branches and tags.`);
  if (status === 401 && hub.token)
    return new UserError(
      `${hub.endpoint} does not accept the token of HF_TOKEN or \`hf auth login\` (status 401).`,
      `Make a new one at ${tokens}, or unset it for what is public.`,
    );
  if (status === 401)
    return new UserError(
      `${repo} is not public, or does not exist (status 401).`,
      `Check the name; for a private or gated model set HF_TOKEN to a token that may read it (${tokens}).`,
    );
  if (status === 403)
    return new UserError(
      `${repo} may not be read${hub.token ? " with this token" : ""} (status 403${said ? `: ${said}` : ""}).`,
      `Set HF_TOKEN to a token of an account that may read it (${tokens}).`,
    );
  if (status === 404 && !file)
    return new UserError(
      `${hub.endpoint} has no model ${repo}, or does not show it to you.`,
      "Check the name; for a private model set HF_TOKEN.",
    );
  if (status === 404)
    return new UserError(
      `${file} of ${repo} is listed, but the server does not find it (status 404).`,
      `Look at ${page}/tree/main.`,
    );
  return new UserError(
    `${hub.endpoint} refuses ${file ? `${file} of ` : ""}${repo}: status ${status}${said ? `, ${said}` : ""}.`,
    "Check HF_ENDPOINT and the model's page.",
  );
}
