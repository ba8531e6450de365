/** @file Keys that work anywhere on the page, but not while a text or a slider has them. */

import { useEffect, useRef } from "preact/hooks";

/** What each key does, by its name in `KeyboardEvent.key`. */
export type Keys = Readonly<Record<string, (() => void) | undefined>>;

/** Listens while the component is there. The one that was mounted last has the first say. */
export function useKeys(keys: Keys, enabled = true): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    if (!enabled) return;
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event)) return;
      const act = current.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, [enabled]);
}

function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "range") return key.startsWith("Arrow");
  // A button has its own Enter and space.
  if (target instanceof HTMLButtonElement) return key === "Enter" || key === " ";
  return target.matches("input, select, textarea");
}
