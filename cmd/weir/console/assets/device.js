// One device: its clock, its rules and their thresholds, its windows as small plots, live.

import { buttons, word, writeButtons, writeFlags } from './alerts.js';
import { at, el, keyed, mark, part, show, write } from './dom.js';
import { ago, count, moment, sentence, since, value } from './format.js';
import { consoleOf } from './overview.js';
import { chart } from './plot.js';
import { alertLink, levelRank, levelsOf, state } from './state.js';

const kept = 300; // points of a plot

let shown = { device: '', pipeline: '', series: new Map() };

export function openDevice(device, pipeline) {
  shown = { device, pipeline, series: new Map() };
  state.device = state.problem = null;
  at('device').replaceChildren(el('p', { class: 'none' }, `Looking ${device} up…`));
  Object.assign(at('device'), { parts: null, built: false });
}

// takeDevice keeps what the plots show: the past that the device still has, and what has been seen since the page is open.
export function takeDevice(d) {
  if (d.device !== shown.device) return;
  for (const w of d.windows ?? []) {
    for (const p of w.past ?? []) add(w.window, p, false);
    if (w.start) add(w.window, w, d.clock);
  }
  for (const l of d.last ?? []) keep(l.metric, l.time, { at: Date.parse(l.time), value: l.value });
  for (const r of d.rules ?? []) if (typeof r.value === 'number') keep(`rule ${r.rule}`, d.clock, { at: Date.parse(d.clock), value: r.value });
}

// add takes a window into the plots of its values. One that is open ends where the clock is.
function add(window, w, clock) {
  const end = Date.parse(w.end);
  const open = clock && Date.parse(clock) < end;
  for (const [name, v] of Object.entries(w.values ?? {})) keep(`${window}.${name}`, w.start, { at: open ? Date.parse(clock) : end, value: v, ...(open && { open: true }) });
}

function keep(name, key, point) {
  if (typeof point.value !== 'number' || Number.isNaN(point.at)) return;
  const series = shown.series.get(name) ?? new Map();
  shown.series.set(name, series);
  series.set(key, point);
  if (series.size > kept) series.delete(series.keys().next().value);
}

const pointsOf = (name) => [...(shown.series.get(name)?.values() ?? [])].sort((a, b) => a.at - b.at);

export function renderDevice() {
  const box = at('device');
  if (state.problem) return renderProblem(box, state.problem);
  const d = state.device;
  if (!d || d.device !== shown.device) return;
  if (!box.built) build(box);
  write(part(box, 'name'), d.device);
  show(part(box, 'silent'), Boolean(d.silent));
  const facts = [['Pipeline', d.pipeline], ['Partition', d.partition], ['Clock', d.clock ? `${moment(d.clock)} (${ago(d.clock)})` : 'never heard of'], d.last_seen && ['Last seen', `${moment(d.last_seen)} (${ago(d.last_seen)})`]].filter(Boolean);
  keyed(part(box, 'facts'), facts, ([name]) => name, ([name]) => el('div', {}, el('dt', {}, name), el('dd', { 'data-is': 'of' })), (node, [, text]) => write(part(node, 'of'), text));
  keyed(part(box, 'labels'), Object.entries(d.labels ?? {}), ([name]) => name, ([name]) => el('li', {}, `${name} `, el('b', { 'data-is': 'of' })), (node, [, text]) => write(part(node, 'of'), text));
  const rules = d.rules ?? [];
  show(part(box, 'rules-panel'), rules.length > 0);
  keyed(part(box, 'rules'), rules, (r) => r.rule, makeRule, (node, r) => writeRule(node, r, d));
  renderPlots(box, d);
}

function renderProblem(box, p) {
  const status = p.status ?? 0;
  Object.assign(box, { built: false, parts: null });
  const said = {
    404: [`No device ${shown.device} here.`, 'Nothing has been heard of it, or it has been forgotten. Names are written exactly as the device sends them.'],
    503: ['Its partition is being recovered.', 'The page goes on by itself when that is done.'],
  }[status];
  const where = p.instance || p.host ? `${p.instance ?? 'another process'}${p.host ? ` on ${p.host}` : ''}` : 'another process';
  const [title, text] = said ?? (status === 421 || status === 307 ? [`${shown.device} lives elsewhere.`, `Partition ${p.partition} is with ${where}.`] : [p.title || 'No answer.', p.detail || '']);
  const out = status === 421 || status === 307 ? consoleOf(p.url, `#/device/${encodeURIComponent(shown.device)}`) : null;
  const drawn = JSON.stringify([title, text, p.url]);
  if (box.drawn === drawn && box.querySelector('.problem')) return;
  box.drawn = drawn;
  box.replaceChildren(back(), el('div', { class: 'panel problem' }, el('h1', {}, title), el('p', {}, text), out && el('p', {}, 'Look at it there: ', out)));
}

const back = () => el('p', { class: 'back' }, el('a', { href: '#/' }, '← Overview'));

function build(box) {
  Object.assign(box, { built: true, parts: null, drawn: '' });
  box.replaceChildren(back(),
    el('div', { class: 'panel who' },
      el('div', { class: 'head' }, el('h1', { 'data-is': 'name' }), el('span', { class: 'badge', 'data-rank': 2, 'data-is': 'silent', hidden: true }, 'silent')),
      el('dl', { 'data-is': 'facts' }), el('ul', { class: 'labels', 'data-is': 'labels' })),
    el('div', { class: 'columns turned' },
      el('section', { class: 'panel', 'data-is': 'rules-panel', 'aria-label': 'Rules' }, el('h2', {}, 'Rules'), el('ul', { class: 'rules', 'data-is': 'rules' })),
      el('div', { class: 'plots', 'data-is': 'plots' })));
}

function makeRule(r) {
  return el('li', { 'data-rule': r.rule },
    el('p', { class: 'title' }, el('span', { class: 'badge', 'data-is': 'badge' }), el('b', { 'data-is': 'rule' }), el('span', { class: 'value', 'data-is': 'value' })),
    el('p', { class: 'sub', 'data-is': 'limits' }),
    el('ul', { class: 'flags', 'data-is': 'flags' }),
    el('p', { class: 'sentence', 'data-is': 'sentence' }),
    el('div', { class: 'buttons', 'data-is': 'open', hidden: true }, el('a', { class: 'button', 'data-is': 'how' }, 'Explain'), buttons()));
}

function writeRule(node, r, d) {
  const alert = state.alerts.find((a) => a.device === d.device && a.rule === r.rule && (!d.pipeline || a.pipeline === d.pipeline));
  const firing = r.state === 'firing' || r.state === 'recovering';
  mark(node, 'data-state', r.state);
  write(part(node, 'badge'), r.error ? 'error' : firing ? word({ level: r.level, state: r.state }) : r.state);
  mark(part(node, 'badge'), 'data-rank', firing || r.error ? levelRank(r.level, levelsOf(d.pipeline, r.rule)) || 2 : r.state === 'ok' ? 'ok' : 0);
  write(part(node, 'rule'), r.rule);
  write(part(node, 'value'), r.value == null ? '' : value(r.value));
  const learned = r.learned && `learned from ${count(r.learned.readings)} readings${r.learned.warm ? '' : ', not enough yet'}${r.learned.kind ? `: ${r.learned.kind.replaceAll('_', ' ')}` : ''}`;
  const limits = learned || (r.thresholds ?? []).map(sayLimit).join('; ');
  const lasts = r.since && r.state !== 'ok' ? `${r.state} for ${since(r.since)}, since ${moment(r.since)}` : '';
  write(part(node, 'limits'), [limits, lasts].filter(Boolean).join(' · '));
  write(part(node, 'sentence'), sentence(r.sentence));
  writeFlags(part(node, 'flags'), alert ?? { state: r.state, suppressed_by: r.suppressed ? ['something'] : [], acked: r.acked ? { author: '' } : null, escalation: r.escalation, error: r.error });
  show(part(node, 'open'), Boolean(alert));
  if (!alert) return;
  mark(part(node, 'how'), 'href', alertLink(alert.id));
  writeButtons(part(node, 'open').lastElementChild, alert);
}

// bounds are the limits of a level: at which it begins, and at which it ends.
function bounds(t) {
  const begin = ['above', 'at_least', 'below', 'at_most'].find((n) => typeof t[n] === 'number');
  const clear = ['clear_below', 'clear_above', 'clear_at_or_below', 'clear_at_or_above'].find((n) => typeof t[n] === 'number');
  return { begin, clear };
}

function sayLimit(t) {
  const { begin, clear } = bounds(t);
  if (!begin) return `${t.level}: no limit for this device`;
  const rest = clear && t[clear] !== t[begin] ? `, clear ${clear.replace(/^clear_/, '').replaceAll('_', ' ')} ${value(t[clear])}` : '';
  return `${t.level} ${begin.replaceAll('_', ' ')} ${value(t[begin])}${rest}`;
}

// linesOf are the thresholds of the rules that look at something.
function linesOf(d, rules) {
  return rules.flatMap((r) => (r.thresholds ?? []).flatMap((t) => {
    const { begin, clear } = bounds(t);
    const rank = levelRank(t.level, levelsOf(d.pipeline, r.rule));
    const text = rules.length > 1 ? `${r.rule} ${t.level}` : t.level;
    return [begin && { value: t[begin], text, rank }, clear && t[clear] !== t[begin] && { value: t[clear], text: `${text} clears`, rank, dashed: true }].filter(Boolean);
  }));
}

const when = (r) => r.when ?? '';

// renderPlots draws one plot for each value of each window, for each metric, and for each rule that looks at neither.
function renderPlots(box, d) {
  const plots = [];
  const watched = new Set((d.rules ?? []).map(when));
  for (const w of d.windows ?? []) {
    const order = (name) => (watched.has(`${w.window}.${name}`) ? 0 : name === 'count' ? 2 : 1); // what rules look at comes first
    for (const name of Object.keys(w.values ?? {}).sort((a, b) => order(a) - order(b))) plots.push({ name: `${w.window}.${name}`, group: w.window, title: name, now: w.values[name], note: noteOf(w) });
  }
  for (const l of d.last ?? []) plots.push({ name: l.metric, group: 'Readings', title: l.metric, now: l.value, note: `at ${moment(l.time)}` });
  const drawn = new Set(plots.map((p) => p.name));
  for (const r of d.rules ?? []) {
    if (!drawn.has(when(r)) && typeof r.value === 'number') plots.push({ name: `rule ${r.rule}`, group: 'What other rules look at', title: r.rule, now: r.value, note: when(r), rules: [r] });
  }
  const groups = [...new Set(plots.map((p) => p.group))];
  const sentences = new Map((state.pipelines.find((p) => p.name === d.pipeline)?.windows ?? []).map((w) => [w.name, w.sentence]));
  keyed(part(box, 'plots'), groups, (g) => g, (g) => el('section', { class: 'panel', 'aria-label': g }, el('h2', {}, g), el('p', { class: 'sentence' }, sentence(sentences.get(g))), el('div', { class: 'grid', 'data-is': 'grid' })), (node, g) => {
    keyed(part(node, 'grid'), plots.filter((p) => p.group === g), (p) => p.name, makePlot, (plot, p) => {
      write(part(plot, 'now'), value(p.now));
      write(part(plot, 'note'), p.note);
      const rules = p.rules ?? (d.rules ?? []).filter((r) => when(r) === p.name && r.thresholds?.length);
      chart(part(plot, 'chart'), { name: p.name, points: pointsOf(p.name), lines: linesOf(d, rules) });
    });
  });
}

function makePlot(p) {
  return el('figure', { 'data-plot': p.name }, el('figcaption', {}, el('span', { class: 'name' }, p.title), el('b', { 'data-is': 'now' }), el('small', { 'data-is': 'note' })), el('div', { class: 'chart', 'data-is': 'chart' }));
}

function noteOf(w) {
  const n = w.count == null ? '' : `${count(w.count)} ${w.count === 1 ? 'reading' : 'readings'}, `;
  return w.end ? `${n}${moment(w.start)} to ${moment(w.end)}` : n.replace(', ', '');
}
