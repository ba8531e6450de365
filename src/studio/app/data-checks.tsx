/** @file What `grit check` found in recipes that name a data file: refusals and warnings with their lines, figures, rewards. */

import { checkFacts } from "../../report/check-facts.ts";
import { fraction } from "../../report/number-format.ts";
import type { Finding, TermFigures } from "../../run/check-file.ts";
import type { DataCheck, DataFileEntry } from "../studio-data.ts";
import { Link } from "./link.tsx";
import { rewardBins } from "./reward-bins.ts";

interface DataChecksProps {
  readonly file: DataFileEntry;
  readonly checks: readonly DataCheck[] | undefined;
  readonly fault: string | undefined;
}

export function DataChecks({ file, checks, fault }: DataChecksProps) {
  if (!checks) return <p class="lead">{fault ?? "Looking for checks…"}</p>;
  if (checks.length === 0) {
    return (
      <p class="lead">
        No check of a recipe with this file is under this folder. Make one: <code>npx grit check RECIPE.yaml</code>
      </p>
    );
  }
  return (
    <>
      {checks.map((check) => (
        <Check key={check.id} file={file} check={check} />
      ))}
    </>
  );
}

function Check({ file, check }: { file: DataFileEntry; check: DataCheck }) {
  const { recipe, made, refusals, warnings, figures, terms } = check;
  return (
    <section class="check" aria-label={`Check ${check.id}`}>
      <p>
        <b>Check of {recipe.slice(recipe.lastIndexOf("/") + 1)}</b> <Verdict check={check} />{" "}
        <time dateTime={made}>{new Date(made).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}</time>
      </p>
      {refusals.length + warnings.length > 0 && (
        <ul class="findings">
          {refusals.map((finding, i) => (
            <FindingItem key={`refused ${i}`} finding={finding} level="refused" file={file} />
          ))}
          {warnings.map((finding, i) => (
            <FindingItem key={`warning ${i}`} finding={finding} level="warning" file={file} />
          ))}
        </ul>
      )}
      {figures && (
        <details>
          <summary>Figures and rewards</summary>
          <div class="found-figures">
            <dl class="outcome">
              {checkFacts(figures).map(([what, value]) => (
                <div key={what}>
                  <dt>{what}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
            <Terms terms={terms} />
          </div>
        </details>
      )}
    </section>
  );
}

function Verdict({ check: { refusals, warnings } }: { check: DataCheck }) {
  if (refusals.length > 0) return <span class="bad">cannot teach: {refusals.length} refused</span>;
  if (warnings.length > 0)
    return <span>ready, with {warnings.length === 1 ? "one warning" : `${warnings.length} warnings`}</span>;
  return <span class="good">ready to train</span>;
}

interface FindingItemProps {
  readonly finding: Finding;
  readonly level: "refused" | "warning";
  readonly file: DataFileEntry;
}

function FindingItem({ finding: { key, what, remedy, at = [] }, level, file }: FindingItemProps) {
  const here = at.filter((each) => each.file === file.path);
  const elsewhere = at.filter((each) => each.file !== file.path);
  return (
    <li>
      <span class={`chip ${level === "refused" ? "bad" : ""}`}>{level}</span> <b>{key}</b>: {what} {remedy}
      {here.length > 0 && (
        <span class="lines">
          {here.map(({ line }) => (
            <Link key={line} to={{ file: file.id, line: String(line), words: undefined, outcome: undefined }}>
              line {line}
            </Link>
          ))}
        </span>
      )}
      {elsewhere[0] && (
        <span class="lines">
          {elsewhere[0].file}:{elsewhere[0].line}
          {elsewhere.length > 1 && ` and ${elsewhere.length - 1} more`}
        </span>
      )}
    </li>
  );
}

/** What the rewards gave to the sampled rollouts. */
function Terms({ terms }: { terms: readonly TermFigures[] }) {
  return (
    <table class="sets spreads">
      <caption class="unseen">What the rewards gave over all sampled rollouts, weighted.</caption>
      <thead>
        <tr>
          {["reward", "mean", "spread", "unscored", "histogram"].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {terms.map(({ name, mean, spread, unscored, scores }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{fraction(mean)}</td>
            <td>{fraction(spread)}</td>
            <td>{unscored}</td>
            <td>
              <Histogram scores={scores} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Histogram({ scores }: { scores: readonly number[] }) {
  const bins = rewardBins(scores);
  const filled = bins.filter(({ count }) => count > 0);
  if (filled.length === 0) return <>–</>;
  const most = Math.max(...bins.map(({ count }) => count));
  const [least, greatest] = [fraction(filled[0]!.least), fraction(filled.at(-1)!.most)];
  return (
    <>
      <span class="spread" role="img" aria-label={`${scores.length} scores from ${least} to ${greatest}`}>
        {bins.map(({ count }, i) => (
          <i key={i} style={{ height: `${(count / most) * 100}%` }} />
        ))}
      </span>
      <small>
        {least} … {greatest}
      </small>
    </>
  );
}
