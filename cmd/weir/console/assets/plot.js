// Small plots, as SVG. They are drawn anew whenever what they show changes: there are few of them and they are small.

import { svg } from './dom.js';
import { hour, value } from './format.js';

const right = 10; // pixels beside the plot
const left = 46;
const top = 8;
const bottom = 18;

// spark draws a line of values with an area under it, newest at the right; null is a hole. `slots` is how many fit.
export function spark(box, values, slots) {
  const [w, h] = [Math.max(80, box.clientWidth || 240), box.clientHeight || 44];
  const most = Math.max(1e-9, ...values.filter((v) => v != null));
  const x = (i) => w - ((values.length - 1 - i) * w) / (slots - 1);
  const y = (v) => h - 1 - (v / most) * (h - 4);
  const runs = [];
  let run = null;
  values.forEach((v, i) => {
    if (v == null) return (run = null);
    if (!run) runs.push((run = []));
    run.push([x(i), y(v)]);
  });
  const drawn = runs.flatMap((r) => {
    const line = r.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join('L');
    return [svg('path', { class: 'area', d: `M${r[0][0].toFixed(1)},${h}L${line}L${r.at(-1)[0].toFixed(1)},${h}Z` }), svg('path', { class: 'line', d: `M${line}` })];
  });
  box.replaceChildren(svg('svg', { viewBox: `0 0 ${w} ${h}`, width: w, height: h, 'aria-hidden': 'true' }, drawn));
}

// chart draws points {at, value, open} over time, oldest first, with lines of thresholds {value, text, rank, dashed}.
export function chart(box, { name, points, lines }) {
  const [w, h] = [Math.max(200, box.clientWidth || 300), 128];
  const drawing = JSON.stringify([w, points, lines]);
  if (box.drawing === drawing) return;
  box.drawing = drawing;
  const seen = points.filter((p) => Number.isFinite(p.value));
  const said = seen.length ? `${name}: ${value(seen.at(-1).value)} now, ${seen.length} points` : `${name}: nothing yet`;
  const root = svg('svg', { viewBox: `0 0 ${w} ${h}`, width: w, height: h, role: 'img', 'aria-label': [said, ...lines.map((l) => `${l.text} ${value(l.value)}`)].join('; ') });
  if (!seen.length) {
    root.append(svg('text', { x: w / 2, y: h / 2, class: 'tick', 'text-anchor': 'middle' }, 'nothing yet'));
    return box.replaceChildren(root);
  }
  const frame = frameOf(seen, lines, w, h);
  root.append(...grid(frame, w, h), ...curve(frame, seen), ...thresholds(frame, lines, w));
  follow(root, frame, seen, w, h);
  box.replaceChildren(root);
}

// frameOf says where values and times are. A threshold that is far from all values does not press them flat: it is shown at the edge.
function frameOf(points, lines, w, h) {
  const values = points.map((p) => p.value);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const reach = Math.max(high - low, Math.abs(high) * 0.05, 1e-6) * 6;
  for (const l of lines) if (l.value <= high + reach && l.value >= low - reach) [low, high] = [Math.min(low, l.value), Math.max(high, l.value)];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  [low, high] = [low - air, high + air];
  const [from, to] = [points[0].at, Math.max(points.at(-1).at, points[0].at + 1000)];
  return {
    low, high, from, to,
    x: (t) => left + ((t - from) / (to - from)) * (w - left - right),
    y: (v) => top + (1 - (v - low) / (high - low)) * (h - top - bottom),
  };
}

function grid({ low, high, from, to, y }, w, h) {
  const drawn = ticks(low, high).flatMap((v) => [
    svg('line', { class: 'grid', x1: left, x2: w - right, y1: y(v), y2: y(v) }),
    svg('text', { class: 'tick', x: left - 6, y: y(v) + 3.5, 'text-anchor': 'end' }, short(v)),
  ]);
  drawn.push(svg('text', { class: 'tick', x: left, y: h - 4 }, hour(from)), svg('text', { class: 'tick', x: w - right, y: h - 4, 'text-anchor': 'end' }, hour(to)));
  return drawn;
}

// ticks are two to four round numbers between the ends.
function ticks(low, high) {
  const raw = (high - low) / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
  const all = [];
  for (let v = Math.ceil(low / step); v * step <= high; v++) all.push(Number((v * step).toPrecision(12)));
  return all;
}

function short(v) {
  const a = Math.abs(v);
  if (a >= 1e6 || (a && a < 1e-3)) return v.toExponential(0);
  return a >= 1e4 ? `${Number((v / 1000).toFixed(1))}k` : String(v);
}

function thresholds({ low, high, y }, lines, w) {
  let [above, below] = [0, 0]; // how many lie beyond the edges
  return lines.flatMap((l) => {
    if (l.value > high || l.value < low) {
      if (l.dashed) return [];
      const up = l.value > high;
      const place = up ? top + 10 + 12 * above++ : y(low) - 4 - 12 * below++;
      return [svg('text', { class: `edge rank-${l.rank}`, x: w - right - 2, y: place, 'text-anchor': 'end' }, `${up ? '↑' : '↓'} ${l.text} ${value(l.value)}`)];
    }
    const at = y(l.value);
    return [
      svg('line', { class: `limit rank-${l.rank}${l.dashed ? ' dashed' : ''}`, x1: left, x2: w - right, y1: at, y2: at }),
      !l.dashed && svg('text', { class: `edge rank-${l.rank}`, x: left + 4, y: at < top + 14 ? at + 11 : at - 3 }, `${l.text} ${value(l.value)}`),
    ].filter(Boolean);
  });
}

// curve joins neighbours; where the time between two is more than three times the usual, nothing is known.
function curve({ x, y }, points) {
  const steps = points.slice(1).map((p, i) => p.at - points[i].at).sort((a, b) => a - b);
  const usual = steps[Math.floor(steps.length / 2)] || 0;
  let d = '';
  points.forEach((p, i) => {
    const joined = i > 0 && (p.at - points[i - 1].at <= 3 * usual || p.open);
    d += `${joined ? 'L' : 'M'}${x(p.at).toFixed(1)},${y(p.value).toFixed(1)}`;
  });
  const last = points.at(-1);
  return [
    svg('path', { class: 'line', d }),
    ...(points.length <= 70 ? points.slice(0, -1).map((p) => svg('circle', { class: 'dot', cx: x(p.at), cy: y(p.value), r: 1.6 })) : []),
    svg('circle', { class: last.open ? 'now open' : 'now', cx: x(last.at), cy: y(last.value), r: 3.2 }),
  ];
}

// follow shows the point that is nearest to the pointer.
function follow(root, { x, y }, points, w, h) {
  const line = svg('line', { class: 'cross', y1: top, y2: h - bottom });
  const dot = svg('circle', { class: 'cross-dot', r: 3 });
  const text = svg('text', { class: 'cross-text', y: top + 2 });
  const cross = svg('g', { class: 'hidden' }, line, dot, text);
  root.append(cross);
  root.addEventListener('pointermove', (event) => {
    const px = event.clientX - root.getBoundingClientRect().left;
    const p = points.reduce((a, b) => (Math.abs(x(b.at) - px) < Math.abs(x(a.at) - px) ? b : a));
    const px2 = x(p.at);
    for (const end of ['x1', 'x2']) line.setAttribute(end, px2);
    dot.setAttribute('cx', px2);
    dot.setAttribute('cy', y(p.value));
    text.textContent = `${value(p.value)} at ${hour(p.at)}`;
    text.setAttribute('x', px2 < w / 2 ? px2 + 6 : px2 - 6);
    text.setAttribute('text-anchor', px2 < w / 2 ? 'start' : 'end');
    cross.classList.remove('hidden');
  });
  root.addEventListener('pointerleave', () => cross.classList.add('hidden'));
}
