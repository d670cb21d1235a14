// The page of a run: one picture after the other, its marks, and what was looked at.

import * as calls from "./calls.js";
import { FlatView } from "./flat.js";
import { listen } from "./keys.js";
import { SphereView } from "./sphere.js";

const VIEWS = { sphere: SphereView, flat: FlatView };
const WORDS = { missed: "Missed", over_blurred: "Over-blurred", person: "person", licence_plate: "licence plate" };
const FRAME = { least: 12, step: 1.2 };

const find = (id) => document.getElementById(id);
const state = { pictures: [], at: 0, view: null, frame: { width: 90, height: 160 }, turn: 0 };
const current = () => state.pictures[state.at];

listen({
  next: () => open(state.at + 1),
  previous: () => open(state.at - 1),
  left: () => state.view?.turn(-1, 0),
  right: () => state.view?.turn(1, 0),
  up: () => state.view?.turn(0, 1),
  down: () => state.view?.turn(0, -1),
  closer: () => state.view?.zoom(1),
  farther: () => state.view?.zoom(-1),
  reset: () => state.view?.reset(),
  narrower: () => resize("width", 1 / FRAME.step),
  wider: () => resize("width", FRAME.step),
  higher: () => resize("height", FRAME.step),
  lower: () => resize("height", 1 / FRAME.step),
  class: changeClass,
  missed: () => attempt(() => mark("missed")),
  over: () => attempt(() => mark("over_blurred")),
  undo: () => attempt(() => remove(current()?.marks.at(-1))),
  done: () => attempt(done),
});
attempt(begin);

async function begin() {
  state.pictures = (await calls.work()).pictures;
  if (!state.pictures.length) return tell("There is no picture to look at.");
  resize("width", 1);
  const first = state.pictures.findIndex((each) => !each.done);
  await open(Math.max(first, 0));
  if (first < 0) tell("All pictures are looked at.");
  find("stage").focus();
}

async function open(index) {
  if (!(index in state.pictures)) return tell(index < 0 ? "This is the first picture." : "This is the last picture.");
  const turn = (state.turn += 1); // whoever opens another one meanwhile goes before
  state.view?.close();
  [state.at, state.view] = [index, null];
  find("problem").hidden = true;
  document.body.dataset.state = "loading";
  describe();
  try {
    const { blob, projection } = await calls.picture(current().number);
    if (turn !== state.turn) return;
    const url = URL.createObjectURL(blob);
    const slot = document.createElement("div"); // each view has its own: one that is late disturbs no other
    find("picture").replaceChildren(slot);
    const view = await VIEWS[projection].of(slot, url).finally(() => URL.revokeObjectURL(url));
    if (turn !== state.turn) return view.close();
    state.view = view;
    document.body.dataset.state = "shown";
    view.show(current().marks);
    if (index + 1 in state.pictures) calls.fetchAhead(state.pictures[index + 1].number);
  } catch (error) {
    if (turn !== state.turn) return;
    document.body.dataset.state = "failed";
    find("picture").replaceChildren();
    find("problem").textContent = error.message || "The browser cannot show this picture.";
    find("problem").hidden = false;
  }
}

async function mark(kind) {
  if (!state.view) return;
  const picture = current();
  const objectClass = document.querySelector("[name=class]:checked").value;
  const box = state.view.box(state.frame.width, state.frame.height);
  picture.marks.push(await calls.mark(picture.number, kind, objectClass, box));
  refresh();
  tell(`${WORDS[kind]} ${WORDS[objectClass]} is marked.`);
}

async function remove(gone) {
  if (!gone) return tell("Nothing is marked in this picture.");
  const picture = current();
  await calls.unmark(gone.id);
  picture.marks = picture.marks.filter((each) => each.id !== gone.id);
  refresh();
  tell("The mark is taken back.");
}

async function done() {
  const picture = current();
  if (!picture || (!state.view && !picture.done)) return;
  await calls.setDone(picture.number, !picture.done);
  picture.done = !picture.done;
  describe();
  if (!picture.done) return tell("This picture is not done.");
  const order = [...state.pictures.keys()].map((step) => (state.at + 1 + step) % state.pictures.length);
  const next = order.find((index) => !state.pictures[index].done);
  if (next === undefined) return tell("All pictures are looked at.");
  await open(next);
}

function changeClass() {
  const other = document.querySelector("[name=class]:not(:checked)");
  other.checked = true;
  tell(`The next mark is a ${WORDS[other.value]}.`);
}

function resize(side, factor) {
  const stage = find("stage");
  const most = 0.9 * (side === "width" ? stage.clientWidth : stage.clientHeight);
  state.frame[side] = Math.min(most, Math.max(FRAME.least, state.frame[side] * factor));
  find("aim").style.width = `${state.frame.width}px`;
  find("aim").style.height = `${state.frame.height}px`;
}

function refresh() {
  state.view?.show(current().marks);
  describe();
}

function describe() {
  const { name, number, marks, done } = current();
  const looked = state.pictures.filter((each) => each.done).length;
  find("name").textContent = name;
  find("place").textContent = `${number} of ${state.pictures.length}`;
  find("looked").textContent = `${looked} of ${state.pictures.length} looked at`;
  Object.assign(find("progress"), { max: state.pictures.length, value: looked });
  find("done-word").textContent = done ? "Not done" : "Done";
  find("stage").setAttribute("aria-label", `Picture ${number} of ${state.pictures.length}${done ? ", looked at" : ""}`);
  find("none").hidden = marks.length > 0;
  find("marks").replaceChildren(...marks.map(listed));
}

function listed(each) {
  const line = document.createElement("li");
  const words = document.createElement("span");
  words.textContent = `${WORDS[each.kind]}: ${WORDS[each.class]}`;
  words.className = each.kind;
  line.append(words, button("Show", () => state.view?.look(each)), button("Remove", () => attempt(() => remove(each)).then(() => find("stage").focus())));
  return line;
}

function button(word, act) {
  const made = document.createElement("button");
  made.textContent = word;
  made.addEventListener("click", act);
  return made;
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    tell(error.message);
  }
}

function tell(sentence) {
  find("told").textContent = sentence;
}
