// A 360° panorama, seen from inside.

import { EquirectangularAdapter, Viewer } from "@photo-sphere-viewer/core";
import { MarkersPlugin } from "@photo-sphere-viewer/markers-plugin";
import { degreesOf, focalOf, outline, turned } from "./geometry.js";

const FIELD_OF_VIEW = { min: 4, max: 100, first: 60 };
const STEP = 1 / 12; // of what is seen

export class SphereView {
  /** Show a picture in an element; give the view once it is drawn. */
  static async of(element, url) {
    const view = new SphereView(element, url);
    await new Promise((drawn, failed) => {
      view.viewer.addEventListener("ready", drawn, { once: true });
      view.viewer.addEventListener("panorama-error", ({ error }) => failed(error), { once: true });
    });
    return view;
  }

  constructor(element, url) {
    this.viewer = new Viewer({
      container: element,
      panorama: url,
      navbar: false,
      keyboard: false,
      // What is shown this way shows the whole sphere.
      adapter: [EquirectangularAdapter, { useXmpData: false }],
      moveInertia: false,
      minFov: FIELD_OF_VIEW.min,
      maxFov: FIELD_OF_VIEW.max,
      defaultZoomLvl: zoomOf(FIELD_OF_VIEW.first),
      mousewheelCtrlKey: false,
      plugins: [[MarkersPlugin, {}]],
    });
    this.markers = this.viewer.getPlugin(MarkersPlugin);
    this.viewer.addEventListener("click", ({ data }) => data.rightclick || this.viewer.rotate(data));
  }

  box(widthPx, heightPx) {
    const { yaw, pitch } = this.viewer.getPosition();
    const focal = focalOf(this.viewer.state.size.height, this.viewer.state.vFov);
    return {
      yaw: turned(yaw),
      pitch: turned(pitch),
      width_deg: degreesOf(widthPx, focal),
      height_deg: degreesOf(heightPx, focal),
    };
  }

  where() {
    const { yaw, pitch } = this.viewer.getPosition();
    return `${turned(yaw).toFixed(0)}° across, ${turned(pitch).toFixed(0)}° up`;
  }

  turn(right, up) {
    const { yaw, pitch } = this.viewer.getPosition();
    const step = this.viewer.state.vFov * STEP * (Math.PI / 180);
    this.viewer.rotate({ yaw: yaw + right * step, pitch: pitch + up * step });
  }

  zoom(steps) {
    this.viewer.zoom(this.viewer.getZoomLevel() + 8 * steps);
  }

  reset() {
    this.viewer.rotate({ yaw: 0, pitch: 0 });
    this.viewer.zoom(zoomOf(FIELD_OF_VIEW.first));
  }

  look({ x, y }) {
    this.viewer.rotate({ yaw: (x * Math.PI) / 180, pitch: (y * Math.PI) / 180 });
  }

  show(marks) {
    this.markers.setMarkers(
      marks.map((mark) => ({ id: `mark-${mark.id}`, polygon: outline(mark), className: `box ${mark.kind}` })),
    );
  }

  close() {
    this.viewer.destroy();
  }
}

/** The viewer counts from 0, all that may be seen, to 100, the least. */
function zoomOf(fieldOfView) {
  return (100 * (FIELD_OF_VIEW.max - fieldOfView)) / (FIELD_OF_VIEW.max - FIELD_OF_VIEW.min);
}
