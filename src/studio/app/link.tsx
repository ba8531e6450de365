/** @file A link to another place of the page: a real address, followed without loading the page anew. */

import type { ComponentChildren } from "preact";
import { addressOf, go, type Place } from "./place.ts";

interface LinkProps {
  readonly to: { readonly [key in keyof Place]?: string | undefined };
  readonly class?: string | undefined;
  /** It leads to what is shown now. */
  readonly current?: boolean;
  readonly disabled?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
}

export function Link({ to, current = false, disabled = false, label, children, ...rest }: LinkProps) {
  if (disabled) {
    return (
      <span class={rest.class} aria-disabled="true">
        {children}
      </span>
    );
  }
  return (
    <a
      class={rest.class}
      href={addressOf(to)}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      onClick={(event) => {
        // A new tab or window is the browser's.
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
