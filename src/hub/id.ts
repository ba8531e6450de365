/** @file What a model is called on the hub: `org/name`, and `org/name@revision` where it is not the newest on `main`. */

export interface ModelId {
  /** `org/name` */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** A part of a name: letters, digits, `_`, `-` and `.`, of which the last two stand neither first nor last. */
const PART = String.raw`\w(?:[\w.-]{0,94}\w)?`;
const ID = new RegExp(`^(${PART}/${PART})(?:@(.+))?$`);

/** The parts of an id; undefined when the text cannot be one (the rules are those of huggingface_hub's `validate_repo_id`). */
export function parseId(text: string): ModelId | undefined {
  const [, repo, revision = "main"] = ID.exec(text) ?? [];
  if (!repo || /--|\.\.|\.git$/.test(repo) || !staysInside(revision)) return undefined;
  return { repo, revision };
}

/** The command that fetches a model. */
export function downloadCommand({ repo, revision }: ModelId): string {
  return `npx grit download ${repo}${revision === "main" ? "" : ` --revision ${revision}`}`;
}

/** Is this a relative path of plain steps, such that it cannot leave the folder it starts at? */
export function staysInside(path: string): boolean {
  return (
    !/[\\\0]|^[A-Za-z]:/.test(path) && path.split("/").every((step) => step !== "" && step !== "." && step !== "..")
  );
}
