/** @file The keys of a judge: the section `judge` of a recipe, and the YAML file that `--judge` may name. */
import { resolve } from "node:path";
import { z } from "zod";

export const judgeNames = ["exact", "openai", "exact-then-openai"] as const;
/** Those of an evaluation. */
export const evalJudgeNames = [...judgeNames, "mmhal"] as const;

const usd = z.number().nonnegative();

/** Keys of a request that are set elsewhere, or that an answer cannot be read with. */
const OURS = ["model", "messages", "stream", "n"];

const openaiSchema = z.strictObject({
  /** The model; on Azure the deployment. */
  model: z.string().min(1).default("gpt-4o-2024-11-20"),
  /** The address that `/chat/completions` is appended to; with `api_version`, the endpoint of an Azure resource. */
  base_url: z
    .string()
    .refine(
      (url) => !/^https?:\/\/[^/]*@/.test(url),
      "has a name or password in it: leave them out, and put the key into key_env",
    )
    .refine(isUrl, "is not an address like https://api.openai.com/v1")
    .prefault(() => process.env.OPENAI_BASE_URL || "https://api.openai.com/v1"),
  /** Azure's API version, e.g. 2024-10-21: requests then have Azure's form. */
  api_version: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(-preview)?$/, "is not an API version like 2024-10-21")
    .optional(),
  /** The environment variable that holds the key: OPENAI_API_KEY, or AZURE_OPENAI_API_KEY with `api_version`. */
  key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable; the key itself is not written down")
    .optional(),
  /**
   * Keys of a request that the service wants otherwise: a value replaces ours or is added, null leaves ours out. Reasoning models
   * take e.g. `{temperature: null, max_tokens: null, max_completion_tokens: 2000}`.
   */
  request: z
    .record(z.string(), z.json())
    .refine((keys) => !OURS.some((key) => key in keys), `cannot hold ${OURS.join(", ")}`)
    .default({}),
  /** Most requests at the same time. */
  concurrency: z.int().positive().max(1024).default(8),
  /** Seconds until an answer. */
  timeout: z.number().positive().default(60),
  /** Seconds that the service may be down before the run stops; it can be resumed. */
  patience: z.number().nonnegative().default(600),
  /** US dollars per million tokens. */
  price: z.strictObject({ input: usd, output: usd }).optional(),
  /** The most US dollars to spend, over all runs that write to the ledger. A request that could exceed it is not sent. */
  budget: z.number().positive().optional(),
  /** Folder of the verdicts so far, shared by all runs. */
  cache: z
    .string()
    .min(1)
    .default(() => resolve(".cache/judge")),
  /** File that records requests and their cost. Default: `ledger.jsonl` in the cache. */
  ledger: z.string().min(1).optional(),
});

export type OpenAISettings = z.infer<typeof openaiSchema>;

/** Who judges the answers of an evaluation. `openai` is for the judges that ask a service; beside `exact` it is refused. */
export const evalJudgeSchema = z
  .strictObject({ name: z.enum(evalJudgeNames).default("exact"), openai: openaiSchema.optional() })
  .superRefine(({ name, openai }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (!openai) return;
    if (name === "exact") refuse(["openai"], "is given, but judge.name is exact, which asks nobody");
    if (openai.budget !== undefined && !openai.price)
      refuse(["openai", "budget"], "needs openai.price, the dollars per million input and output tokens");
    if (!isUrl(openai.base_url)) return;
    const { hostname, pathname } = new URL(openai.base_url);
    const path = ["openai", "base_url"];
    if (hostname.endsWith(".azure.com") && pathname === "/" && !openai.api_version)
      refuse(path, "is an Azure resource, which needs openai.api_version");
    if (pathname !== "/" && openai.api_version)
      refuse(path, "has a path, but with openai.api_version it is the resource alone: https://NAME.openai.azure.com");
  })
  .transform(({ name, openai }) => (name === "exact" ? { name } : { name, openai: openai ?? openaiSchema.parse({}) }));

export type EvalJudgeSettings = z.infer<typeof evalJudgeSchema>;

/** Why `mmhal` gives no reward. */
export const EVAL_ONLY = "rates MMHal-Bench's answers from 0 to 6, in grit eval alone";

/** Who judges answers everywhere else. */
export const judgeSchema = evalJudgeSchema.transform((settings, context) => {
  if (settings.name !== "mmhal") return settings;
  const message = `is mmhal, which ${EVAL_ONLY}; use ${judgeNames.join(" or ")} here`;
  context.addIssue({ code: "custom", path: ["name"], message });
  return z.NEVER;
});

export type JudgeSettings = z.infer<typeof judgeSchema>;

function isUrl(text: string): boolean {
  return /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(text) && URL.canParse(text);
}
