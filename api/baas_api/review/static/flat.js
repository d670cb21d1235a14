// A flat picture: moved about and enlarged behind the frame in the middle.

const STEP = 1 / 12; // of what is seen
const MOST = 8; // screen pixels for one of the picture's

export class FlatView {
  /** Show a picture in an element; give the view once it is drawn. */
  static async of(element, url) {
    const image = Object.assign(new Image(), { src: url, alt: "" });
    await image.decode();
    return new FlatView(element, image);
  }

  constructor(element, image) {
    this.element = element;
    this.image = image;
    this.sheet = document.createElement("div");
    this.sheet.className = "sheet";
    this.sheet.append(image);
    element.replaceChildren(this.sheet);
    this.listening = new AbortController();
    this.listen();
    this.reset();
  }

  listen() {
    const { signal } = this.listening;
    let from = null;
    const on = (name, act) => this.element.addEventListener(name, act, { signal });
    on("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, moved: 0 };
      this.element.setPointerCapture(event.pointerId);
    });
    on("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from = { x: event.clientX, y: event.clientY, moved: from.moved + Math.hypot(dx, dy) };
      this.move(-dx, -dy);
    });
    on("pointerup", (event) => {
      const stage = this.element.getBoundingClientRect();
      if (from?.moved < 5)
        this.move(event.clientX - stage.x - stage.width / 2, event.clientY - stage.y - stage.height / 2);
      from = null;
    });
    on("wheel", (event) => {
      event.preventDefault();
      this.zoom(-Math.sign(event.deltaY));
    });
    new ResizeObserver((_, seen) => (signal.aborted ? seen.disconnect() : this.draw())).observe(this.element);
  }

  box(widthPx, heightPx) {
    const [width, height] = [widthPx / this.scale / this.image.naturalWidth, heightPx / this.scale / this.image.naturalHeight];
    const [left, right] = [this.x - width / 2, this.x + width / 2].map(within);
    const [top, bottom] = [this.y - height / 2, this.y + height / 2].map(within);
    return { x: left, y: top, width: right - left, height: bottom - top };
  }

  where() {
    return `${Math.round(100 * this.x)}% across, ${Math.round(100 * this.y)}% down`;
  }

  turn(right, up) {
    const { clientWidth, clientHeight } = this.element;
    this.move(right * clientWidth * STEP, -up * clientHeight * STEP);
  }

  move(rightPx, downPx) {
    this.x = within(this.x + rightPx / this.scale / this.image.naturalWidth);
    this.y = within(this.y + downPx / this.scale / this.image.naturalHeight);
    this.draw();
  }

  zoom(steps) {
    this.scale = Math.min(MOST, Math.max(this.fit(), this.scale * 1.25 ** steps));
    this.draw();
  }

  reset() {
    [this.x, this.y, this.scale] = [0.5, 0.5, this.fit()];
    this.draw();
  }

  look({ x, y, width, height }) {
    [this.x, this.y] = [x + width / 2, y + height / 2];
    this.draw();
  }

  show(marks) {
    this.sheet.replaceChildren(this.image, ...marks.map(drawn));
  }

  close() {
    this.listening.abort();
    this.element.replaceChildren();
  }

  fit() {
    const { clientWidth, clientHeight } = this.element;
    return Math.min(clientWidth / this.image.naturalWidth, clientHeight / this.image.naturalHeight);
  }

  draw() {
    const { clientWidth, clientHeight } = this.element;
    const [width, height] = [this.image.naturalWidth * this.scale, this.image.naturalHeight * this.scale];
    Object.assign(this.sheet.style, {
      width: `${width}px`,
      height: `${height}px`,
      left: `${clientWidth / 2 - this.x * width}px`,
      top: `${clientHeight / 2 - this.y * height}px`,
    });
  }
}

function drawn(mark) {
  const box = document.createElement("div");
  box.className = `box ${mark.kind}`;
  const share = (value) => `${100 * value}%`;
  const { x, y, width, height } = mark;
  Object.assign(box.style, { left: share(x), top: share(y), width: share(width), height: share(height) });
  return box;
}

function within(share) {
  return Math.min(1 - 1e-9, Math.max(0, share));
}
