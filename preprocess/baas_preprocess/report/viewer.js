// The dialog that shows one image: its picture with the boxes over it, and beside it what the ledger knows.

const LABELLED_PX = 28;  // narrower boxes stand so close in a street that their labels would hide each other

// The outlines of the boxes, drawn over whatever a view shows.
function boxesOver(svg) {
  let boxes = [], shapes = [];
  const make = (name, kind) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    made.classList.add(kind);
    return made;
  };
  const path = (outline) => `M${outline.map((point) => point.map((at) => at.toFixed(1))).join("L")}Z`;
  return {
    show(found) {
      boxes = found;
      shapes = boxes.map(({ kind }) => [make("path", kind), make("text", kind)]);
      shapes.forEach(([, label], index) => { label.textContent = describe(boxes[index]); });
      svg.replaceChildren(...shapes.flat());
    },
    choose(box) { shapes.forEach(([shape], index) => shape.classList.toggle("chosen", boxes[index] === box)); },
    draw(view) {  // without a view, none
      shapes.forEach(([shape, label], index) => {
        const outlines = view ? view.outlines(boxes[index].at).filter((outline) => outline.length) : [];
        shape.setAttribute("d", outlines.map(path).join(""));
        const [xs, ys] = [0, 1].map((axis) => (outlines[0] ?? []).map((point) => point[axis]));
        const isLabelled = Math.max(...xs) - Math.min(...xs) >= LABELLED_PX;
        label.style.display = isLabelled ? "" : "none";
        if (!isLabelled) return;
        label.setAttribute("x", Math.min(...xs));
        label.setAttribute("y", Math.min(...ys) - 5);
      });
    },
  };
}

// One finger (or the mouse) turns, two fingers or the wheel zoom.
function followPointers(stage, turn, zoom) {
  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const distance = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
    if (other) zoom(distance(event) / Math.max(1, distance(before)));
    else turn(before.clientX - event.clientX, before.clientY - event.clientY);
    fingers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 600));
  }, { passive: false });
}

// Returns the function that opens a row of the list; `n` and `p` then walk along `rows()`.
function viewer(dialog) {
  const [stage, canvas, image, instead, aside] =
    [".stage", "canvas", "img", ".instead", "aside"].map((selector) => $(selector, dialog));
  const [zoomOut, zoomIn, boxesButton, flatButton] =
    ["-", "+", "b", "f"].map((key) => $(`[data-key="${key}"]`, dialog));
  const views = { sphere: sphereView(canvas), flat: flatView(stage, image) }, overlay = boxesOver($(".overlay", dialog));
  let row = null, rows = null, view = null, wantsFlat = false, wantsBoxes = true, isWaiting = false;

  const draw = () => {
    isWaiting = false;
    if (view && dialog.open) view.draw();
    overlay.draw(wantsBoxes ? view : null);
  };
  const redraw = () => {
    if (!isWaiting) requestAnimationFrame(draw);
    isWaiting = true;
  };
  const choose = () => {  // the view for this picture and this wish
    const isSpherical = facts[row.dataset.index].wraps && views.sphere !== null;
    flatButton.disabled = !isSpherical;
    flatButton.ariaPressed = String(wantsFlat || !isSpherical);
    view = isSpherical && !wantsFlat ? views.sphere : views.flat;
    canvas.hidden = view !== views.sphere;
    image.hidden = view !== views.flat;
    view.show(image);
    redraw();
  };
  const open = async (mine, all) => {
    [row, rows, view] = [mine, all, null];
    const picture = $(".picture img", row);
    canvas.hidden = image.hidden = flatButton.disabled = true;
    zoomOut.disabled = zoomIn.disabled = boxesButton.disabled = $(".keys", dialog).hidden = !picture;
    $("#viewer-name bdi").textContent = row.cells[1].dataset.value;
    overlay.show(picture ? facts[row.dataset.index].boxes : []);
    instead.replaceChildren(...(picture ? [] : insteadOf(row)));
    aside.replaceChildren(...details(row, picture && look));
    if (!dialog.open) dialog.showModal();
    stage.focus();
    if (!picture) return;
    image.src = picture.src;
    await image.decode().catch(() => {});  // interrupted by the next picture, which will draw itself
    if (mine === row && dialog.open) choose();
  };
  const look = (box) => {
    overlay.choose(box);
    view?.lookAt(box.at);
    redraw();
    stage.focus();
  };
  const step = (by) => {
    const shown = rows(), next = shown[shown.indexOf(row) + by];
    if (next) open(next, rows);
  };
  const turn = (right, down) => { view?.turn(right, down); redraw(); };
  const zoom = (factor) => { view?.zoom(factor); redraw(); };
  const actions = {
    ArrowLeft: () => turn(-60, 0),
    ArrowRight: () => turn(60, 0),
    ArrowUp: () => turn(0, -60),
    ArrowDown: () => turn(0, 60),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),  // the same key without shift
    "-": () => zoom(0.8),
    0: () => { view?.reset(); redraw(); },
    n: () => step(1),
    p: () => step(-1),
    b: () => {
      wantsBoxes = !wantsBoxes;
      boxesButton.ariaPressed = String(wantsBoxes);
      redraw();
    },
    f: () => {
      if (flatButton.disabled) return;
      wantsFlat = !wantsFlat;
      choose();
    },
    Escape: () => dialog.close(),
  };

  dialog.addEventListener("keydown", (event) => {
    const scrolls = event.key.startsWith("Arrow") && aside.contains(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || scrolls || !Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  });
  for (const button of dialog.querySelectorAll("[data-key]")) {
    button.addEventListener("click", () => actions[button.dataset.key]());
  }
  dialog.addEventListener("close", () => {
    view = null;
    image.removeAttribute("src");
    $("button.open", row).focus();
  });
  canvas.addEventListener("webglcontextlost", () => {  // the graphics card went away: flat from now on
    views.sphere = null;
    if (view) choose();
  });
  followPointers(stage, turn, zoom);
  new ResizeObserver(redraw).observe(stage);
  return open;
}

// What stands where no picture is.
function insteadOf(row) {
  if (row.dataset.state === "published") return ["This page holds no picture of it: open the published file."];
  const why = $(".why", row);
  return [element("b", { textContent: `Not published: ${row.dataset.state}` }), ...(why ? [why.cloneNode(true)] : [])];
}

// The panel beside the picture. With `look`, each object is a button that turns the view to it.
function details(row, look) {
  const { boxes, steps, input, output } = facts[row.dataset.index], published = row.dataset.state === "published";
  const term = (name, value) => value ? [element("dt", { textContent: name }), element("dd", {}, value)] : [];
  const code = (text) => text && element("code", { textContent: text });
  const objects = boxes.map((box) => element("li", {}, look
    ? element("button", { type: "button", className: box.kind, textContent: describe(box), onclick: () => look(box) })
    : describe(box)));
  const seconds = Object.entries(steps).flatMap(([name, taken]) => term(name, `${taken.toFixed(2)} s`));
  return [
    element("dl", {}, ...term("State", row.dataset.state), ...term("Reason", row.dataset.reason),
      ...term("Size", $(".size", row).textContent), ...term("Input", code(input)), ...term("Output", code(output))),
    ...(row.dataset.link ? [link(row.dataset.link, "Open the published file")] : []),
    ...(published ? [element("h3", { textContent: "Objects and scores" }), element("ol", {}, ...objects)] : []),
    ...(seconds.length ? [element("h3", { textContent: "Time" }), element("dl", { className: "steps" }, ...seconds)] : []),
  ];
}

const link = (href, textContent) =>
  element("p", {}, element("a", { href, textContent, target: "_blank", rel: "noreferrer" }));
const describe = ({ kind, score }) => `${kind.replace("_", " ")} ${score.toFixed(2)}`;
