/** @file The first filters of a list: words to search for, and how it came out, with how many of each there are. */

interface WordsAndOutcomesProps<Outcome extends string> {
  /** What the words are looked for in. */
  readonly searched: string;
  readonly words: string | undefined;
  readonly outcome: string | undefined;
  readonly counts: readonly { readonly outcome: Outcome; readonly count: number }[];
  /** Takes a changed filter; undefined where it is lifted. */
  readonly set: (key: "words" | "outcome", value: string | undefined) => void;
}

export function WordsAndOutcomes<Outcome extends string>(props: WordsAndOutcomesProps<Outcome>) {
  const { searched, words, outcome: chosen, counts, set } = props;
  return (
    <>
      <input
        id="search"
        type="search"
        placeholder="Search words…"
        aria-label={`Words in ${searched}`}
        value={words ?? ""}
        onInput={({ currentTarget }) => set("words", currentTarget.value)}
      />
      <div class="chips" role="group" aria-label="How it came out">
        {counts.map(({ outcome, count }) => (
          <button
            key={outcome}
            type="button"
            aria-pressed={chosen === outcome}
            disabled={count === 0 && chosen !== outcome}
            onClick={() => set("outcome", chosen === outcome ? undefined : outcome)}
          >
            {outcome} <span>{count}</span>
          </button>
        ))}
      </div>
    </>
  );
}
