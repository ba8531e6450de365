/**
 * @file The page's script, as text: it runs in the browser, unbundled. Without it everything is still there to read; with
 * it charts answer to the pointer, a box and its words light up together, and sets and steps can be picked.
 */

/** Inlined at the end of the page; the content security policy allows it by its hash and nothing else. */
export const SCRIPT = /* js */ `
"use strict";

// One cursor through all charts: the pointer's place is a step, and every legend shows its value there.
for (const charts of document.querySelectorAll(".charts")) {
  const { left, right, width } = charts.dataset;
  const steps = charts.dataset.steps.split(" ").map(Number);
  const [first, last] = [steps[0], steps[steps.length - 1]];
  const xOf = (step) => +left + ((step - first) / (last - first || 1)) * (right - left);
  const show = (index) => {
    for (const cursor of charts.querySelectorAll(".cursor")) {
      cursor.toggleAttribute("hidden", index === undefined);
      if (index === undefined) continue;
      cursor.setAttribute("x1", xOf(steps[index]));
      cursor.setAttribute("x2", xOf(steps[index]));
    }
    for (const value of charts.querySelectorAll("b[data-values]")) {
      value.textContent = value.dataset.values.split(" ")[index ?? steps.length - 1];
    }
    for (const label of charts.querySelectorAll(".at")) label.textContent = index === undefined ? "" : "step " + steps[index];
  };
  charts.addEventListener("pointermove", (event) => {
    const svg = event.target.closest("svg");
    if (!svg) return show(undefined);
    const frame = svg.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * width;
    const distances = steps.map((step) => Math.abs(xOf(step) - x));
    show(distances.indexOf(Math.min(...distances)));
  });
  charts.addEventListener("pointerleave", () => show(undefined));
}

// A box on the picture and its words in the text belong together.
const light = (event) => {
  const box = event.target.closest("[data-box]");
  const chain = event.target.closest(".chain");
  for (const lit of document.querySelectorAll(".lit, .dim")) lit.classList.remove("lit", "dim");
  if (!box || !chain) return;
  for (const other of chain.querySelectorAll("[data-box]")) {
    other.classList.add(other.dataset.box === box.dataset.box ? "lit" : "dim");
  }
};
document.addEventListener("pointerover", light);
document.addEventListener("click", light);

const press = (button) => {
  for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
};

const showSet = (set) => {
  for (const example of document.querySelectorAll(".example")) {
    example.hidden = set !== "all" && example.dataset.set !== set;
  }
};
for (const button of document.querySelectorAll("button[data-show]")) {
  button.addEventListener("click", () => {
    press(button);
    showSet(button.dataset.show);
  });
  if (button.getAttribute("aria-pressed") === "true") showSet(button.dataset.show);
}

for (const story of document.querySelectorAll(".story")) {
  const show = (index) => {
    for (const moment of story.querySelectorAll(".moment")) moment.hidden = moment.dataset.moment !== index;
  };
  for (const button of story.querySelectorAll("button[data-moment]")) {
    button.addEventListener("click", () => {
      press(button);
      show(button.dataset.moment);
    });
    if (button.getAttribute("aria-pressed") === "true") show(button.dataset.moment);
  }
}
`;
