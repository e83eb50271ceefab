// The story of one alert: what the rule does, what happened, and the readings behind it.

import { get } from './ask.js';
import { buttons, rankOf, whoseLink, word, writeButtons, writeFlags } from './alerts.js';
import { at, el, mark, part, show, write } from './dom.js';
import { moment, sentence as asSentence, span, value } from './format.js';
import { state } from './state.js';

let shown = { id: '', story: null, error: '', version: '', at: 0, asking: false };

export function openAlert(id) {
  shown = { id, story: null, error: '', version: '', at: 0, asking: false };
  at('alert').replaceChildren(el('p', { class: 'none' }, 'Looking the alert up…'));
  at('alert').parts = null;
  renderAlert();
}

// renderAlert asks again when the alert has a new event, and now and then.
export function renderAlert() {
  const open = state.alerts.find((a) => a.id === shown.id);
  const version = open ? `${open.place?.partition}/${open.place?.offset}` : 'ended';
  const due = performance.now() - shown.at > 20_000 && !shown.story?.ended;
  if (!shown.asking && (version !== shown.version || due)) ask(version);
  if (shown.story && part(at('alert'), 'flags')) writeHead(open);
}

async function ask(version) {
  const mine = shown;
  Object.assign(mine, { asking: true, version, at: performance.now() });
  try {
    mine.story = await get(`v1/alerts/${encodeURIComponent(mine.id)}`);
    mine.error = '';
  } catch (error) {
    mine.error = error.status === 404 ? 'The alerts topic has no alert with this id (any more).' : error.message;
  }
  mine.asking = false;
  if (mine === shown) draw();
}

function draw() {
  const box = at('alert');
  box.parts = null;
  if (!shown.story) return box.replaceChildren(back(), el('p', { class: 'none' }, shown.error));
  const { events, rule, sentence } = shown.story;
  const last = events.at(-1);
  const open = [...box.querySelectorAll('details[open]')].map((d) => d.dataset.event);
  box.replaceChildren(
    back(),
    el('div', { class: 'panel story' },
      el('div', { class: 'head' }, el('span', { class: 'badge', 'data-is': 'badge' }), el('h1', {}, rule, el('span', { class: 'of' }, ' of '), whoseLink({ ...last, pipeline: pipelineOf() })), el('div', { 'data-is': 'buttons' }, buttons())),
      el('p', { class: 'sentence' }, asSentence(sentence) || 'The pipeline file no longer has this rule.'),
      el('ul', { class: 'flags', 'data-is': 'flags' }),
      labels(last.labels),
      el('p', { class: 'sub', 'data-is': 'when' })),
    el('div', { class: 'panel' }, el('h2', {}, 'What happened'),
      events[0].episode.event > 1 && el('p', { class: 'none' }, `The alerts topic no longer has its first ${events[0].episode.event - 1} events.`),
      el('ol', { class: 'events', reversed: true }, events.toReversed().map((e) => event(e, open.includes(String(e.episode.event)))))));
  writeHead(state.alerts.find((a) => a.id === shown.id));
}

const back = () => el('p', { class: 'back' }, el('a', { href: '#/' }, '← All alerts'));

const pipelineOf = () => state.alerts.find((a) => a.id === shown.id)?.pipeline ?? shown.story?.events.at(-1).labels?.pipeline;

function writeHead(open) {
  const box = at('alert');
  const a = { pipeline: pipelineOf(), ...(open ?? shown.story.events.at(-1)) };
  shown.story.ended = !shown.story.open;
  write(part(box, 'badge'), shown.story.open ? word(a) : a.state);
  mark(part(box, 'badge'), 'data-rank', shown.story.open ? rankOf(a) : 0);
  show(part(box, 'buttons'), shown.story.open);
  writeButtons(part(box, 'buttons').firstChild, a);
  writeFlags(part(box, 'flags'), shown.story.open ? a : {});
  const ended = a.endsAt ? `, until ${moment(a.endsAt)} (${span((Date.parse(a.endsAt) - Date.parse(a.startsAt)) / 1000)})` : '';
  write(part(box, 'when'), `Since ${moment(a.startsAt)}${ended}. Id ${shown.id}`);
}

function labels(of) {
  const own = Object.entries(of ?? {}).filter(([name]) => !['alertname', 'device', 'pipeline', 'severity'].includes(name));
  return own.length > 0 && el('ul', { class: 'labels' }, own.map(([name, text]) => el('li', {}, `${name} ${text}`)));
}

function event(e, open) {
  const r = e.reading;
  return el('li', { 'data-rank': rankOf({ ...e, pipeline: pipelineOf() }) || null },
    el('p', { class: 'line' }, el('time', { datetime: e.at }, moment(e.at)), ' ', el('b', {}, happened(e)), ` at ${value(e.value)}`, e.threshold == null ? '' : `, limit ${value(e.threshold)}`),
    e.annotations?.summary && el('p', { class: 'summary' }, e.annotations.summary),
    el('p', { class: 'sub' }, cause(e) || null),
    r?.readings?.map((one) => el('p', { class: 'reading' }, el('b', {}, `${one.metric} ${value(one.value)}`), one.time ? ` at ${moment(one.time)}` : '', one.seq == null ? '' : `, number ${one.seq}`, one.bad ? `, bad: ${one.bad}` : '')),
    r && el('details', { open, 'data-event': e.episode.event }, el('summary', {}, 'The record'), el('pre', {}, r.message)));
}

// said is what an event says beside the state, which it leaves as it is.
function said(e) {
  return { suppressed: 'suppressed', unsuppressed: 'no longer suppressed', acked: `acknowledged by ${e.acked?.author ?? '?'}`, unacked: 'no longer acknowledged', escalated: `escalated, step ${e.escalation}` }[e.cause?.reason];
}

function happened(e) {
  if (e.repeat > 0) return `still ${e.level || e.state}`;
  if (said(e)) return said(e);
  if (e.level && e.level !== e.previous) return `${e.state} ${e.level}${e.previous ? `, before ${e.previous}` : ''}`;
  return e.level && e.state !== 'resolved' ? `${e.state} ${e.level}` : e.state;
}

function cause(e) {
  const w = e.window ? `Window ${e.window.name}, ${moment(e.window.start)} to ${moment(e.window.end)}. ` : '';
  const c = e.cause ?? {};
  if (c.offset == null) return said(e) ? w : `${w}Cause: ${c.reason || 'not known'}.`;
  const record = `record ${c.offset} of ${c.topic}/${c.partition}`;
  if (!e.reading) return `${w}Caused by ${record}${e.missing ? ` (${e.missing})` : ''}.`;
  return `${w}Caused by ${record}, appended ${moment(e.reading.appended)}:`;
}
