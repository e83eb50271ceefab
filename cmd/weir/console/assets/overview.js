// The first page: throughput and lag, what became of the readings, tasks.

import { get } from './ask.js';
import { at, el, keyed, mark, part, show, write } from './dom.js';
import { bytes, count, moment, rate, sentence, share, since, span } from './format.js';
import { spark } from './plot.js';
import { pipeline, state } from './state.js';

const kept = 300; // samples of a pipeline, one a second

// classes are the classes of the conservation law, each with why a reading is in it.
const classes = [
  ['processed', 'into windows and rules'],
  ['filtered', 'not wanted by where'],
  ['late', 'after their windows closed'],
  ['future', 'too far ahead'],
  ['bad', 'cannot be used'],
  ['duplicate', 'seen before'],
  ['retained', 'by the MQTT broker'],
];

const samples = new Map(); // by pipeline: {at, all, of: {class: count}}

const all = (readings) => classes.reduce((sum, [name]) => sum + (readings[name] ?? 0), 0);

// sample keeps what the totals are now: rates are made of differences.
export function sample() {
  const now = performance.now();
  for (const p of state.pipelines) {
    const list = samples.get(p.name) ?? [];
    samples.set(p.name, list);
    const last = list.at(-1);
    if (last && now - last.at < 700) continue;
    if (last && now - last.at > 5000) list.push({ at: now, hole: true });
    list.push({ at: now, all: all(p.readings), of: p.readings });
    if (list.length > kept + 1) list.splice(0, list.length - kept - 1);
  }
}

// rateOf is the number a second up to sample i, over some samples: totals move with commits, and not evenly. Totals fall when a
// partition goes elsewhere; then there is none.
function rateOf(list, i, over, of) {
  let k = i;
  while (k > 0 && i - k < over && !list[k - 1].hole) k--;
  const [a, b] = [list[k], list[i]];
  if (!b || b.hole || k === i) return null;
  const risen = of(b) - of(a);
  return risen < 0 ? null : (1000 * risen) / (b.at - a.at);
}

const total = (s) => s.all;

export function renderOverview() {
  const p = pipeline();
  if (!p) return;
  const list = samples.get(p.name) ?? [];
  renderTiles(p, list);
  renderLaw(p, list);
  renderFacts(p);
  renderTasks(p);
}

function tile(name, title, unit) {
  return el('div', { class: 'tile', id: `tile-${name}` },
    el('h2', {}, title),
    el('p', { class: 'big' }, el('b', { 'data-is': 'value' }), ' ', el('span', { class: 'unit', 'data-is': 'unit' }, unit)),
    el('p', { class: 'sub', 'data-is': 'sub' }),
    name === 'throughput' && el('div', { class: 'spark', 'data-is': 'spark', title: 'the last five minutes' }));
}

function renderTiles(p, list) {
  const tiles = at('tiles');
  if (!tiles.firstChild) tiles.append(tile('throughput', 'Throughput', 'readings/s'), tile('lag', 'Lag', 'records'), tile('latency', 'Alert latency', ''), tile('firing', 'Firing', 'alerts'));
  const [throughput, lag, latency, firing] = tiles.children;
  const values = list.map((s, i) => rateOf(list, i, 3, total));
  const most = Math.max(0, ...values);
  write(part(throughput, 'value'), rate(rateOf(list, list.length - 1, 5, total)));
  write(part(throughput, 'sub'), values.length > 5 ? `at most ${rate(most)} in ${values.length < 60 ? `${values.length} s` : `${Math.round(values.length / 60)} min`}` : '');
  spark(part(throughput, 'spark'), values, kept);

  write(part(lag, 'value'), count(p.lag.records));
  write(part(lag, 'unit'), p.lag.records === 1 ? 'record' : 'records');
  write(part(lag, 'sub'), `${span(p.lag.seconds)} behind; event time ${span(p.lag.event_seconds)}`);
  mark(lag, 'data-rank', p.lag.seconds > 60 ? 3 : p.lag.seconds > 10 ? 2 : null);

  const l = p.alert_latency;
  const [half, most99] = l ? [latencyOf(l.p50_ms), latencyOf(l.p99_ms)] : ['–', ''];
  const unit = ` ${most99.split(' ')[1]}`;
  write(part(latency, 'value'), l ? `${half.endsWith(unit) ? half.slice(0, -unit.length) : half} / ${most99}` : half);
    write(part(latency, 'sub'), l ? 'p50 / p99, from reading to alert' : 'no alert in the last minutes');

  const open = state.alerts.filter((a) => a.pipeline === p.name && a.state === 'firing');
  const loud = open.filter((a) => !a.acked && !a.suppressed_by?.length).length;
  const known = p.rules?.every((r) => r.firing != null); // of all processes; else of this one
  const n = known ? p.rules.reduce((sum, r) => sum + r.firing, 0) : p.firing;
  write(part(firing, 'value'), count(n));
  write(part(firing, 'unit'), n === 1 ? 'alert' : 'alerts');
  write(part(firing, 'sub'), !n ? 'all is quiet' : loud ? `${count(loud)} that nobody has acknowledged` : 'all acknowledged or suppressed');
  mark(firing, 'data-rank', loud ? 3 : null);
}

function latencyOf(ms) {
  return ms < 10 ? `${Number(ms.toFixed(1))} ms` : span(ms / 1000);
}

function renderLaw(p, list) {
  const law = at('law');
  if (!part(law, 'bar')) {
    law.append(
      el('div', { class: 'stack', 'data-is': 'bar', role: 'img' }, classes.map(([name]) => el('i', { class: `of-${name}` }))),
      el('ul', { class: 'legend', 'data-is': 'legend' }),
      el('p', { class: 'sub', 'data-is': 'sum' }));
    law.parts = null;
  }
  const sum = all(p.readings);
  const bar = part(law, 'bar');
  classes.forEach(([name], i) => {
    const n = p.readings[name] ?? 0;
    bar.children[i].style.flexGrow = sum ? n / sum : 0;
    mark(bar.children[i], 'data-some', n > 0 ? '' : null);
  });
  mark(bar, 'aria-label', classes.map(([name]) => `${name} ${share(p.readings[name], sum)}`).join(', '));
  keyed(part(law, 'legend'), classes, ([name]) => name, ([name, why]) => el('li', { 'data-class': name },
    el('i', { class: `swatch of-${name}` }), el('span', {}, el('b', {}, name), ' ', el('small', {}, why)),
    el('span', { class: 'n', 'data-is': 'n' }), el('span', { class: 'share', 'data-is': 'share' }), el('span', { class: 'rate', 'data-is': 'rate' })),
  (node, [name]) => {
    const n = p.readings[name] ?? 0;
    const now = rateOf(list, list.length - 1, 10, (s) => s.of[name] ?? 0);
    write(part(node, 'n'), count(n));
    write(part(node, 'share'), share(n, sum));
    write(part(node, 'rate'), now ? `${rate(now)}/s` : '');
    mark(node, 'class', n ? null : 'zero');
  });
  write(part(law, 'sum'), `${count(sum)} readings since the pipeline began, each in exactly one class`);
}

function renderFacts(p) {
  const facts = at('facts');
  if (!part(facts, 'list')) {
    facts.append(el('dl', { 'data-is': 'list' }), el('details', {}, el('summary', {}, 'Windows and rules'), el('ul', { class: 'sentences', 'data-is': 'sentences' })));
    facts.parts = null;
  }
  write(at('facts-title'), p.name);
  const list = [
    ['Devices', count(p.devices)],
    p.groups > 0 && ['Groups', count(p.groups)],
    ['Open windows', count(p.open_windows)],
    ['Window results', count(p.windows_emitted)],
    ['Alert events', count(p.alert_events)],
    ['Quarantined', count(p.quarantined)],
    ['State', bytes(p.state_bytes)],
    ['Commits', count(p.commits)],
    ['Recoveries', count(p.recoveries)],
    ['Rebalances', count(p.rebalances)],
    p.clock && ['Clock', p.clock.trusted ? `agrees with the brokers (${span(Math.abs(p.clock.skew_seconds))})` : `off by ${span(Math.abs(p.clock.skew_seconds))}: timers wait`],
    p.mqtt && ['MQTT', `${p.mqtt.connected ? 'connected' : 'not connected'}, ${count(p.mqtt.received)} received${p.mqtt.failed ? `, ${count(p.mqtt.failed)} failed` : ''}`],
    ['Source', p.source],
    ['Kafka', (p.kafka ?? []).join(', ')],
    ['Runs since', `${moment(p.started)} (${since(p.started)})`],
  ].filter(Boolean);
  keyed(part(facts, 'list'), list, ([name]) => name, ([name]) => el('div', {}, el('dt', {}, name), el('dd', { 'data-is': 'of' })), (node, [, text]) => write(part(node, 'of'), text));
  const sentences = [...(p.windows ?? []), ...(p.rules ?? [])];
  keyed(part(facts, 'sentences'), sentences, (s) => s.name + (s.levels ? '!' : ''), (s) => el('li', {}, el('b', {}, s.name), el('span', { class: 'fires', 'data-is': 'firing' }), el('p', { 'data-is': 'text' })), (node, s) => {
    write(part(node, 'firing'), s.firing ? ` ${count(s.firing)} firing` : ''); // absent where the alerts have not been read
    write(part(node, 'text'), sentence(s.sentence));
  });
}

let tasks = { of: '', at: 0, body: null, asking: false };

function renderTasks(p) {
  const box = at('tasks');
  if (tasks.of !== p.name) tasks = { of: p.name, at: 0, body: null, asking: false };
  const due = performance.now() - tasks.at > (box.open ? 1900 : 15_000);
  if (due && !tasks.asking) fetchTasks(p.name);
  if (!tasks.body) return;
  const { tasks: here, elsewhere } = tasks.body;
  const recovering = here.filter((t) => t.state !== 'live').length;
  write(at('tasks-count'), `${here.length} here${recovering ? `, ${recovering} recovering` : ''}${elsewhere?.length ? `, ${elsewhere.length} elsewhere` : ''}${tasks.body.elsewhere_unknown ? ', others not known' : ''}`);
  if (!box.open) return;
  const body = at('tasks-body');
  if (!body.firstChild) {
    body.append(
      el('table', {}, el('thead', {}, el('tr', {}, ['task', '', 'lag', 'behind', 'devices', 'size'].map((h) => el('th', { scope: 'col' }, h)))), el('tbody', { 'data-is': 'rows' })),
      el('ul', { class: 'elsewhere', 'data-is': 'elsewhere' }));
  }
  keyed(part(body, 'rows'), here, (t) => `${t.kind} ${t.partition}`, (t) => el('tr', {}, el('th', { scope: 'row' }, `${t.kind}/${t.partition}`), ['state', 'lag', 'behind', 'devices', 'bytes'].map((n) => el('td', { 'data-is': n }))), (node, t) => {
    write(part(node, 'state'), t.state);
    mark(part(node, 'state'), 'class', t.state === 'live' ? 'good' : 'recovering');
    write(part(node, 'lag'), count(t.lag));
    write(part(node, 'behind'), span(t.lag_seconds));
    write(part(node, 'devices'), count(t.devices));
    write(part(node, 'bytes'), bytes(t.state_bytes));
    mark(node, 'title', `folded to ${count(t.position)} of ${count(t.end)}, committed to ${count(t.offset)}, journal record ${count(t.journal_seq)}`);
  });
  keyed(part(body, 'elsewhere'), elsewhere ?? [], (t) => `${t.kind} ${t.partition} ${t.instance}`, (t) => el('li', {}, `${t.kind}/${t.partition} is with ${t.instance}${t.host ? ` on ${t.host}` : ''}`, consoleOf(t.url)));
  show(part(body, 'elsewhere'), Boolean(elsewhere?.length));
}

async function fetchTasks(name) {
  tasks.asking = true;
  const mine = tasks;
  try {
    const body = await get(`v1/pipelines/${encodeURIComponent(name)}/tasks`);
    if (tasks === mine) mine.body = body;
  } catch {
    // What is missing here is missing from the stream too, which says so.
  } finally {
    mine.asking = false;
    mine.at = performance.now();
  }
}

// consoleOf is a link to the console of another process.
export function consoleOf(url, hash = '#/') {
  try {
    const to = new URL(hash, new URL(url.replace(/\/*$/, '/')));
    if (to.protocol === 'http:' || to.protocol === 'https:') return el('a', { class: 'out', href: to.href, rel: 'noreferrer' }, 'its console');
  } catch {
    // no address, or none that a browser can go to
  }
  return null;
}
