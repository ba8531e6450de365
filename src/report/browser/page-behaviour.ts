/**
 * @file The pages' behaviour in the browser. Everything can be read without it; with it charts follow the pointer, a box and its
 * words light up together, and sets, steps and samples can be picked.
 */

function all(root: ParentNode, selector: string): NodeListOf<HTMLElement> {
  return root.querySelectorAll<HTMLElement>(selector);
}

/** The innermost element with this selector around the target of an event. */
function around(event: Event, selector: string): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;
}

/** One cursor through all charts: the pointer's place is a step, and every legend shows its value there. */
function followPointer(charts: HTMLElement): void {
  const { left, right, width } = charts.dataset;
  const steps = charts.dataset.steps!.split(" ").map(Number);
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const xOf = (step: number) => Number(left) + ((step - first) / (last - first || 1)) * (Number(right) - Number(left));
  const show = (index: number | undefined) => {
    for (const cursor of all(charts, ".cursor")) {
      cursor.toggleAttribute("hidden", index === undefined);
      if (index === undefined) continue;
      cursor.setAttribute("x1", String(xOf(steps[index]!)));
      cursor.setAttribute("x2", String(xOf(steps[index]!)));
    }
    for (const value of all(charts, "b[data-values]"))
      value.textContent = value.dataset.values!.split(" ")[index ?? steps.length - 1] ?? "";
    for (const label of all(charts, ".at")) label.textContent = index === undefined ? "" : `step ${steps[index]}`;
  };
  charts.addEventListener("pointermove", (event) => {
    const frame = around(event, "svg")?.getBoundingClientRect();
    if (!frame) return show(undefined);
    const x = ((event.clientX - frame.left) / frame.width) * Number(width);
    const distances = steps.map((step) => Math.abs(xOf(step) - x));
    show(distances.indexOf(Math.min(...distances)));
  });
  charts.addEventListener("pointerleave", () => show(undefined));
}

/** A box on the picture and its words in the text belong together: pointing at one lights both. */
function light(event: Event): void {
  const [box, chain] = [around(event, "[data-box]"), around(event, ".chain")];
  for (const lit of all(document, ".lit, .dim")) lit.classList.remove("lit", "dim");
  if (!box || !chain) return;
  for (const other of all(chain, "[data-box]"))
    other.classList.add(other.dataset.box === box.dataset.box ? "lit" : "dim");
}

/** Buttons of which one is pressed: `choose` is called with that one, now and whenever another is clicked. */
function pickOne(buttons: Iterable<HTMLElement>, choose: (button: HTMLElement) => void): void {
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of button.parentElement!.children) other.setAttribute("aria-pressed", String(other === button));
      choose(button);
    });
    if (button.getAttribute("aria-pressed") === "true") choose(button);
  }
}

for (const charts of all(document, ".charts")) followPointer(charts);

document.addEventListener("pointerover", light);
document.addEventListener("click", light);

pickOne(all(document, "button[data-show]"), ({ dataset: { show } }) => {
  for (const example of all(document, ".example")) example.hidden = show !== "all" && example.dataset.set !== show;
});

for (const story of all(document, ".story"))
  pickOne(all(story, "button[data-moment]"), ({ dataset: { moment } }) => {
    for (const each of all(story, ".moment")) each.hidden = each.dataset.moment !== moment;
  });

/** The samples of evaluations, by what is picked of each kind: the set, the outcome. */
const wanted: Record<string, string> = {};
pickOne(all(document, "button[data-filter]"), ({ dataset: { filter, value } }) => {
  wanted[filter!] = value!;
  let shown = 0;
  for (const sample of all(document, ".sample")) {
    sample.hidden = Object.entries(wanted).some(([key, value]) => value !== "all" && sample.dataset[key] !== value);
    if (!sample.hidden) shown += 1;
  }
  document.getElementById("none-shown")?.toggleAttribute("hidden", shown > 0);
});
