// The list: filter, sort, and open an image in the viewer.
const facts = JSON.parse(document.getElementById("facts").textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
document.documentElement.classList.add("scripted");

function list(table) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const [search, state, reason] = ["#search", "#state", "#reason"].map((id) => $(id));
  const numbers = new Intl.NumberFormat("en"), words = new Intl.Collator("en", { numeric: true });

  const filter = () => {
    const part = search.value.toLocaleLowerCase();
    for (const row of rows) {
      row.hidden = !row.cells[1].dataset.value.toLocaleLowerCase().includes(part)
        || Boolean(state.value) && row.dataset.state !== state.value
        || Boolean(reason?.value) && row.dataset.reason !== reason.value;
    }
    const count = rows.filter((row) => !row.hidden).length;
    $("#shown").textContent = `${numbers.format(count)} of ${numbers.format(rows.length)} shown`;
    $("#nothing").hidden = count > 0;
    table.hidden = !count;
  };
  const sort = (column) => {
    const order = heads[column].ariaSort === "ascending" ? -1 : 1;
    for (const head of heads) head.ariaSort = null;
    heads[column].ariaSort = order > 0 ? "ascending" : "descending";
    const value = (row) => row.cells[column].dataset.value;
    const compare = heads[column].classList.contains("number") ? (a, b) => a - b : words.compare;
    rows.sort((a, b) => order * compare(value(a), value(b)) || a.dataset.index - b.dataset.index);
    body.append(...rows);
  };
  const everything = () => {
    for (const control of [search, state, reason]) if (control) control.value = "";
    filter();
  };

  for (const control of [search, state, reason]) control?.addEventListener("input", filter);
  heads.forEach((head, column) => $("button", head)?.addEventListener("click", () => sort(column)));
  $("#everything").addEventListener("click", everything);
  for (const button of document.querySelectorAll("button.reason")) {
    button.addEventListener("click", () => {
      everything();
      reason.value = button.dataset.reason;
      filter();
      $("#images").scrollIntoView();
    });
  }
  filter();
  return { body, shown: () => [...body.rows].filter((row) => !row.hidden) };
}

if ($("#images table")) {
  const images = list($("#images table")), open = viewer($("#viewer"));
  images.body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("a") && !String(getSelection())) open(row, images.shown);
  });
}
