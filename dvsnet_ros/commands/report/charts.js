"use strict";
// What all charts are made of: elements, scales, axes, and pointing at things.

const NAMESPACE = "http://www.w3.org/2000/svg";
const MARGIN = { left: 50, right: 14, top: 10, bottom: 26 };

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const html = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(NAMESPACE, name), attributes, children);

const byId = (id) => document.getElementById(id);

const percent = (share, digits = 1) =>
  share === null ? "–" : `${(100 * share).toFixed(digits)}\u00a0%`;

const plain = (value, digits = 1) => (value === null ? "–" : value.toFixed(digits));

const linear = (low, high, from, to) => (value) =>
  from + ((value - low) / (high - low || 1)) * (to - from);

const logarithmic = (low, high, from, to) => (value) =>
  linear(Math.log(low), Math.log(high), from, to)(Math.log(value));

function extent(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
}

// About `count` round numbers between two others.
function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) {
    found.push(Number(value.toFixed(10)));
  }
  return found;
}

function yAxis(root, scale, values, format, right) {
  for (const value of values) {
    const y = scale(value);
    root.append(
      svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y, y2: y }),
      svg("text", { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, format(value)),
    );
  }
}

function xAxis(root, scale, values, format, bottom, name) {
  for (const value of values) {
    root.append(
      svg("text", { x: scale(value), y: bottom + 17, "text-anchor": "middle" }, format(value)),
    );
  }
  if (name) {
    const middle = root.viewBox.baseVal.width / 2 + MARGIN.left / 2;
    root.append(svg("text", { x: middle, y: bottom + 36, "text-anchor": "middle" }, name));
  }
}

// The path of a line through points [x, y]; where y is null it is broken.
function linePath(points) {
  let path = "";
  let command = "M";
  for (const [x, y] of points) {
    if (y === null) command = "M";
    else {
      path += `${command}${x.toFixed(1)} ${y.toFixed(1)}`;
      command = "L";
    }
  }
  return path;
}

// A chart that is drawn anew at each width, and can be pointed at.
//
// draw(root, width, height) returns what the pointer needs:
//   nearest(x, y)  the thing there, or null
//   mark(thing)    SVG nodes that point it out
//   describe(thing)  { title, rows: [{ name, value, color }] }
// Charts of one group, an array, are pointed at together.
function chart(id, height, label, draw, group = []) {
  const box = byId(id);
  const root = svg("svg", { role: "img", "aria-label": label, height });
  const marks = svg("g", { "pointer-events": "none" });
  const own = { view: null, show };
  box.append(root);
  group.push(own);

  function show(thing) {
    marks.replaceChildren(...(thing === null || !own.view ? [] : own.view.mark(thing)));
  }
  function redraw() {
    const width = Math.floor(box.clientWidth);
    if (!width) return;
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.replaceChildren(svg("rect", { width, height, fill: "transparent" }));
    own.view = draw(root, width, height);
    root.append(marks);
    show(null);
  }
  function point(event) {
    const place = root.getBoundingClientRect();
    const thing = own.view.nearest(event.clientX - place.left, event.clientY - place.top);
    for (const each of group) each.show(thing);
    if (thing === null) hideTip();
    else showTip(own.view.describe(thing), event.clientX, event.clientY);
  }
  function leave() {
    for (const each of group) each.show(null);
    hideTip();
  }
  root.addEventListener("pointermove", point);
  root.addEventListener("pointerdown", point);
  root.addEventListener("pointerleave", leave);
  root.addEventListener("pointercancel", leave);
  let drawn = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== drawn) redraw();
    drawn = box.clientWidth;
  }).observe(box);
  redraw();
  drawn = box.clientWidth;
  return redraw;
}

function showTip({ title, rows }, x, y) {
  const tip = byId("tip");
  tip.replaceChildren(
    html("strong", {}, title),
    ...rows.map(({ name, value, color }) =>
      html("div", {}, ...(color ? [swatch(color)] : []), name, html("span", {}, value)),
    ),
  );
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
  const top = Math.min(Math.max(y - height / 2, 8), innerHeight - height - 8);
  tip.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
  tip.style.visibility = "visible";
}

function hideTip() {
  byId("tip").style.visibility = "hidden";
}

function swatch(color) {
  return html("i", { style: `background: ${color}` });
}

function legend(id, entries) {
  byId(id).replaceChildren(...entries.map(([name, color]) => html("li", {}, swatch(color), name)));
}

// A group of buttons of which one is pressed.
function choice(id, names, choose) {
  const buttons = names.map((name) =>
    html("button", { type: "button", onclick: () => press(name) }, name));
  function press(name) {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.textContent === name));
    }
    choose(name);
  }
  byId(id).replaceChildren(...buttons);
  press(names[0]);
}
