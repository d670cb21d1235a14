// The keys, and the overlay that tells them.

const SWITCH = "baas-review-letters";
const KEYS = [
  ["n", "next", "Next picture"],
  ["p", "previous", "Previous picture"],
  ["ArrowLeft", "left", "Look to the left"],
  ["ArrowRight", "right", "Look to the right"],
  ["ArrowUp", "up", "Look up"],
  ["ArrowDown", "down", "Look down"],
  ["+", "closer", "Closer"],
  ["-", "farther", "Farther"],
  ["0", "reset", "Look ahead again, as in the beginning"],
  ["Shift+ArrowLeft", "narrower", "Narrower frame"],
  ["Shift+ArrowRight", "wider", "Wider frame"],
  ["Shift+ArrowUp", "higher", "Higher frame"],
  ["Shift+ArrowDown", "lower", "Lower frame"],
  ["c", "class", "Mark persons or licence plates"],
  ["m", "missed", "Mark a miss: it can be recognised, and should be redacted"],
  ["o", "over", "Mark over-blurring: it is redacted, and should not be"],
  ["u", "undo", "Undo the last mark in this picture"],
  ["d", "done", "Done with this picture, and go on; once more: not done"],
  ["?", "help", "Show these keys"],
];
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Shift: "⇧" };

/** Have keys and buttons do what `actions` says under their names. */
export function listen(actions) {
  const help = document.querySelector("#help");
  const letters = document.querySelector("#letters");
  letters.checked = localStorage.getItem(SWITCH) !== "off";
  letters.addEventListener("change", () => localStorage.setItem(SWITCH, letters.checked ? "on" : "off"));
  const all = { ...actions, help: () => help.showModal() };
  const names = new Map(KEYS.map(([key, name]) => [key, name]));
  document.addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.altKey || event.metaKey) return;
    const isArrow = event.key.startsWith("Arrow");
    if (isArrow ? event.target.matches("input") : !letters.checked) return;
    const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = names.get(isArrow && event.shiftKey ? `Shift+${letter}` : letter === "=" ? "+" : letter);
    if (!name) return;
    event.preventDefault();
    all[name]();
  });
  for (const button of document.querySelectorAll("[data-does]"))
    button.addEventListener("click", () => all[button.dataset.does]());
  document.querySelector("#keys").replaceChildren(...KEYS.map(row));
}

function row([key, , meaning]) {
  const line = document.createElement("tr");
  const [head, cell] = [document.createElement("th"), document.createElement("td")];
  head.scope = "row";
  for (const part of key.split(/(?<=.)\+(?=.)/)) {
    const cap = document.createElement("kbd");
    cap.textContent = SHOWN[part] ?? part.toUpperCase();
    head.append(cap);
  }
  cell.textContent = meaning;
  line.append(head, cell);
  return line;
}
