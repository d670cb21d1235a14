"use strict";
// A picture seen through one of two views: from inside the sphere (WebGL 2), or flat. Both answer the same calls, so
// that keys, pointer and boxes know nothing of either. Places on a picture are shares (0..1) of its width and height.
//
// No library: pannellum 2.5.6 loads pictures by request, which the page's policy forbids, and draws no areas. With the
// projection of the boxes and the flat view written here anyway, one shader is all that it would save.

const RAYS = `#version 300 es
layout(location = 0) in vec2 corner; uniform vec2 reach; uniform mat3 axes; out vec3 ray;
void main() { ray = axes * vec3(corner * reach, 1); gl_Position = vec4(corner, 0, 1); }`;
const LOOKUP = `#version 300 es
precision highp float; in vec3 ray; uniform sampler2D picture; uniform float span; out vec4 colour;
void main() {
  vec3 to = normalize(ray);
  vec2 place = vec2(atan(to.x, -to.z) / 6.283185307 + 0.5, 0.5 - asin(to.y) / span);
  colour = abs(place.y - 0.5) > 0.5 ? vec4(0.05, 0.06, 0.07, 1) : texture(picture, place);
}`;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

// The view from inside a panorama; null where the browser has no WebGL 2.
function sphereView(canvas) {
  const gl = canvas.getContext("webgl2", { antialias: false });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, RAYS], [gl.FRAGMENT_SHADER, LOOKUP]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);  // covers all
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  const uniform = (name) => gl.getUniformLocation(program, name);

  let yaw, pitch, angle, span;  // radians; `angle` is seen along the longer side of the canvas
  const direction = (x, y) => {
    const east = (x - 0.5) * 2 * Math.PI, up = (0.5 - y) * span;
    return [Math.cos(up) * Math.sin(east), Math.sin(up), -Math.cos(up) * Math.cos(east)];
  };
  const axes = () => {  // right, up and forward of the camera
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    return [[cy, 0, sy], [-sp * sy, cp, sp * cy], [cp * sy, sp, -cp * cy]];
  };
  const size = () => [canvas.clientWidth, canvas.clientHeight];
  const reach = () => size().map((side) => Math.tan(angle / 2) * side / Math.max(...size()));
  return {
    show(image) {
      span = 2 * Math.PI * image.naturalHeight / image.naturalWidth;
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, image);
      this.reset();
    },
    reset() { [yaw, pitch, angle] = [0, 0, Math.PI / 2]; },
    turn(right, down) {  // by pixels of the canvas
      const perPixel = 2 * Math.tan(angle / 2) / Math.max(...size());
      yaw += right * perPixel;
      pitch = clamp(pitch - down * perPixel, -Math.PI / 2, Math.PI / 2);
    },
    zoom(factor) { angle = clamp(angle / factor, 0.2, 2.1); },
    lookAt([x, y, width, height]) {
      yaw = (x + width / 2 - 0.5) * 2 * Math.PI;
      pitch = (0.5 - y - height / 2) * span;
      angle = clamp(4 * Math.max(width * 2 * Math.PI, height * span), 0.5, 1.6);
    },
    draw() {
      const sharpness = window.devicePixelRatio || 1;
      [canvas.width, canvas.height] = size().map((side) => Math.round(side * sharpness));
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.uniform2fv(uniform("reach"), reach());
      gl.uniformMatrix3fv(uniform("axes"), false, axes().flat());
      gl.uniform1f(uniform("span"), span);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    },
    outlines([x, y, width, height]) {
      const [right, up, forward] = axes(), [across, along] = reach(), [wide, high] = size();
      const seen = border(x, y, width, height).map(([px, py]) => direction(px, py))
        .map((to) => [dot(to, right), dot(to, up), dot(to, forward)]);
      return [inFront(seen).map(([rx, ry, rz]) =>
        [wide * (rx / rz / across + 1) / 2, high * (1 - ry / rz / along) / 2])];
    },
  };
}

// Points along a rectangle's border: its straight sides are curves when seen from inside the sphere.
function border(x, y, width, height, perSide = 16) {
  const corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
  return corners.flatMap((from, side) => Array.from({ length: perSide }, (_, step) =>
    from.map((start, axis) => start + (corners[(side + 1) % 4][axis] - start) * step / perSide)));
}

// The part of a polygon before the camera (Sutherland and Hodgman's clipping at one plane).
function inFront(polygon, near = 0.05) {
  return polygon.flatMap((point, index) => {
    const before = polygon.at(index - 1);
    const share = (near - before[2]) / (point[2] - before[2]);
    const crossing = before.map((start, axis) => start + (point[axis] - start) * share);
    return [...((point[2] > near) !== (before[2] > near) ? [crossing] : []), ...(point[2] > near ? [point] : [])];
  });
}

// The picture as it is, scaled and moved. A box across the seam is drawn at both edges.
function flatView(stage, image) {
  let x, y, scale;  // the place in the middle of the stage; 1 = the whole picture fits
  const size = () => {
    const fit = Math.min(stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight);
    return [image.naturalWidth * fit * scale, image.naturalHeight * fit * scale];
  };
  const corner = () => [stage.clientWidth / 2 - x * size()[0], stage.clientHeight / 2 - y * size()[1]];
  return {
    show() { this.reset(); },
    reset() { [x, y, scale] = [0.5, 0.5, 1]; },
    turn(right, down) {
      x = clamp(x + right / size()[0], 0, 1);
      y = clamp(y + down / size()[1], 0, 1);
    },
    zoom(factor) { scale = clamp(scale * factor, 1, 40); },
    lookAt([left, top, width, height]) {
      [x, y] = [(left + width / 2) % 1, top + height / 2];
      scale = clamp(0.25 / Math.max(width, height), 1, 12);
    },
    draw() {
      image.style.width = `${size()[0]}px`;
      image.style.transform = `translate(${corner()[0]}px, ${corner()[1]}px)`;
    },
    outlines([left, top, width, height]) {
      const [wide, high] = size(), [atX, atY] = corner();
      const pieces = [[left, Math.min(left + width, 1)], ...(left + width > 1 ? [[0, left + width - 1]] : [])];
      return pieces.map(([from, to]) => border(from, top, to - from, height, 1)
        .map(([px, py]) => [atX + px * wide, atY + py * high]));
    },
  };
}
