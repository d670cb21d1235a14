// Boxes on the sphere, in degrees: yaw 0 is the middle of the picture and grows to the right, pitch grows upwards.

const RADIANS = Math.PI / 180;

/** The angle that so many pixels, half of them on either side of the middle, take up at this focal length. */
export function degreesOf(pixels, focalPx) {
  return (2 * Math.atan(pixels / 2 / focalPx)) / RADIANS;
}

/** The number of pixels between the eye and a screen of this height that shows so many degrees. */
export function focalOf(heightPx, fieldOfView) {
  return heightPx / 2 / Math.tan((fieldOfView * RADIANS) / 2);
}

/** Radians as degrees from -180 to 180. */
export function turned(radians) {
  const degrees = radians / RADIANS;
  return degrees - 360 * Math.round(degrees / 360);
}

/** The outline of a box as [yaw, pitch] in radians, as a flat view shows it that looks at its middle. */
export function outline({ x: yaw, y: pitch, width, height }) {
  const [across, up] = [width, height].map((angle) => Math.tan((Math.min(angle, 170) / 2) * RADIANS));
  const corners = [[-across, up], [across, up], [across, -up], [-across, -up]];
  return corners.map(([right, high]) => direction(yaw * RADIANS, pitch * RADIANS, right, high));
}

function direction(yaw, pitch, right, up) {
  const ahead = Math.cos(pitch) - up * Math.sin(pitch);
  const high = Math.sin(pitch) + up * Math.cos(pitch);
  return [yaw + Math.atan2(right, ahead), Math.atan2(high, Math.hypot(right, ahead))];
}
