/** @file The choice of one value of a filter. */

interface ChoiceProps {
  readonly name: string;
  readonly all: string;
  readonly values: readonly string[];
  readonly value: string | undefined;
  readonly onChoose: (value: string | undefined) => void;
}

/** One of some values, or all of them; not there when there is nothing to choose. */
export function Choice({ name, all, values, value, onChoose }: ChoiceProps) {
  if (values.length < 2 && value === undefined) return null;
  return (
    <label>
      <span class="unseen">{name}</span>
      <select value={value ?? ""} onChange={({ currentTarget }) => onChoose(currentTarget.value || undefined)}>
        <option value="">{all}</option>
        {values.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
