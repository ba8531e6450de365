/** @file The sample browser's part of the page's script, as text: samples are shown by set and by outcome. */

/** Follows `SCRIPT`. Without it all samples stand below each other. */
export const BROWSER = /* js */ `
const wanted = {};
const showSamples = () => {
  let shown = 0;
  for (const sample of document.querySelectorAll(".sample")) {
    sample.hidden = Object.entries(wanted).some(([key, value]) => value !== "all" && sample.dataset[key] !== value);
    if (!sample.hidden) shown += 1;
  }
  document.getElementById("none-shown")?.toggleAttribute("hidden", shown > 0);
};
for (const button of document.querySelectorAll("button[data-filter]")) {
  const choose = () => {
    wanted[button.dataset.filter] = button.dataset.value;
    showSamples();
  };
  button.addEventListener("click", () => {
    press(button);
    choose();
  });
  if (button.getAttribute("aria-pressed") === "true") choose();
}
`;
