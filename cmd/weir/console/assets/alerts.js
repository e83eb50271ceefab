// The list of open alerts, and of what silences them.

import { get, tell } from './ask.js';
import { acknowledge, silence, toast, unacknowledge } from './dialogs.js';
import { at, el, keyed, mark, part, show, write } from './dom.js';
import { count, moment, since, value } from './format.js';
import { alertLink, deviceLink, levelRank, levelsOf, several, state } from './state.js';

export const isQuiet = (a) => Boolean(a.acked || a.ack_sent || a.suppressed_by?.length);

export const rankOf = (a) => levelRank(a.level, levelsOf(a.pipeline, a.rule));

// word is what a badge says: the level, or why there is none.
export const word = (a) => a.level || (a.error ? 'error' : a.state);

// whoseLink is the device, as a link to its page, or the group.
export function whoseLink(a) {
  if (a.device) return el('a', { class: 'device', href: deviceLink(a.device, a.pipeline) }, a.device);
  return el('span', { class: 'device' }, a.group ? `${a.by.replace(/^labels\./, '')} ${a.group}` : 'all devices');
}

// flags are what is said of an alert beside its state.
export function flags(a) {
  return [
    a.state === 'pending' && ['pending', 'pending'],
    a.state === 'recovering' && ['recovering', 'recovering'],
    a.acked ? ['acked', `acknowledged by ${a.acked.author || '?'}${a.acked.reason ? `: ${a.acked.reason}` : ''}`] : a.ack_sent && ['acked', 'acknowledgement sent'],
    ...(a.suppressed_by ?? []).map((by) => ['suppressed', `suppressed by ${by}`]),
    a.escalation > 0 && ['escalated', `escalated ${a.escalation} ${a.escalation === 1 ? 'step' : 'steps'}`],
    a.flapping && ['flapping', 'flapping'],
    a.error && ['error', 'the rule’s expression cannot be worked out'],
  ].filter(Boolean);
}

export function writeFlags(node, a) {
  keyed(node, flags(a), ([, text]) => text, ([name, text]) => el('li', { class: `flag ${name}` }, text));
  show(node, node.childElementCount > 0);
}

// buttons are what can be done about an alert. The element's `alert` is the one that is meant.
export function buttons() {
  const box = el('div', { class: 'buttons' },
    el('button', { type: 'button', 'data-is': 'ack', onclick: () => (box.alert.acked || box.alert.ack_sent ? unacknowledge(box.alert) : acknowledge(box.alert)) }),
    el('button', { type: 'button', 'data-is': 'silence', onclick: () => silence(box.alert, fetchSilences) }, 'Silence'));
  return box;
}

export function writeButtons(box, a) {
  box.alert = a;
  write(part(box, 'ack'), a.acked || a.ack_sent ? 'Un-acknowledge' : 'Acknowledge');
  mark(part(box, 'ack'), 'aria-label', `${part(box, 'ack').textContent}: ${a.rule} of ${a.device || a.group || 'all'}`);
  mark(part(box, 'silence'), 'aria-label', `Silence: ${a.rule} of ${a.device || a.group || 'all'}`);
}

function makeRow(a) {
  return el('li', { class: 'alert' },
    el('span', { class: 'badge', 'data-is': 'badge' }),
    el('div', { class: 'what' },
      el('p', { class: 'title' }, el('a', { class: 'rule', href: alertLink(a.id), title: 'how it came about' }, a.rule), el('span', { class: 'of' }, ' of '), whoseLink(a), several() && el('small', {}, ` ${a.pipeline}`)),
      el('p', { class: 'summary', 'data-is': 'summary' }),
      el('ul', { class: 'flags', 'data-is': 'flags' })),
    el('p', { class: 'value' }, el('b', { 'data-is': 'value' }), el('small', { 'data-is': 'threshold' })),
    el('p', { class: 'since' }, el('b', { 'data-is': 'for' }), el('small', { 'data-is': 'since' })),
    buttons());
}

function updateRow(node, a) {
  mark(node, 'data-rank', rankOf(a));
  mark(node, 'data-state', a.state);
  mark(node, 'data-id', a.id);
  mark(node, 'data-quiet', isQuiet(a) ? '' : null);
  write(part(node, 'badge'), word(a));
  write(part(node, 'summary'), a.annotations?.summary ?? '');
  show(part(node, 'summary'), Boolean(a.annotations?.summary));
  writeFlags(part(node, 'flags'), a);
  write(part(node, 'value'), value(a.value));
  write(part(node, 'threshold'), a.threshold == null ? '' : ` limit ${value(a.threshold)}`);
  write(part(node, 'for'), since(a.startsAt));
  write(part(node, 'since'), ` since ${moment(a.startsAt)}`);
  writeButtons(node.lastElementChild, a);
}

const order = { firing: 0, recovering: 1, pending: 2 };

// sorted puts first what somebody should look at: what fires and is not quiet, the worst level, the oldest.
function sorted(list) {
  return [...list].sort((a, b) => (order[a.state] ?? 3) - (order[b.state] ?? 3) || isQuiet(a) - isQuiet(b) || rankOf(b) - rankOf(a) || (a.startsAt < b.startsAt ? -1 : a.startsAt > b.startsAt ? 1 : 0));
}

function fits(a, words) {
  const text = [a.rule, a.device, a.group, a.level, a.state, a.annotations?.summary, ...Object.values(a.labels ?? {})].join(' ').toLowerCase();
  return words.every((w) => text.includes(w));
}

export function renderAlerts() {
  const words = at('alerts-filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = sorted(state.alerts.filter((a) => fits(a, words)));
  const firing = state.alerts.filter((a) => a.state === 'firing').length;
  keyed(at('alerts-list'), list, (a) => a.id, makeRow, updateRow);
  const more = state.leftOut ? `, ${count(state.leftOut)} more are not shown` : '';
  write(at('alerts-count'), state.alerts.length ? `${count(firing)} firing, ${count(state.alerts.length)} open${more}` : '');
  show(at('alerts-none'), list.length === 0 || state.untold !== '');
  write(at('alerts-none'), state.untold ? `Alerts cannot be read now: ${state.untold}` : !state.told ? 'Not known yet.' : words.length && state.alerts.length ? 'No alert fits the filter.' : 'No open alerts.');
  show(at('alerts-filter'), state.alerts.length > 5 || words.length > 0);
  renderSilences();
}

export async function fetchSilences() {
  try {
    state.silences = (await get('v1/silences')).silences;
    renderSilences();
  } catch {
    // The stream says what is the matter.
  }
}

function renderSilences() {
  const list = state.silences.filter((s) => s.state !== 'over');
  show(at('silences'), list.length > 0);
  keyed(at('silences-list'), list, (s) => `${s.pipeline} ${Boolean(s.maintenance)} ${s.name}`, (s) => el('li', {},
    el('div', { class: 'what' }, el('p', { 'data-is': 'what' }), el('small', { 'data-is': 'why' })),
    el('button', { type: 'button', 'aria-label': `End silence ${s.name}`, onclick: () => end(s) }, 'End it')),
  (node, s) => {
    write(part(node, 'what'), s.matchers.map((m) => `${m.name} ${m.op} ${m.value}`).join(' and '));
    write(part(node, 'why'), `${s.state}, until ${moment(s.end)}, by ${s.author || '?'}${s.reason ? `: ${s.reason}` : ''}${s.fits?.length ? `; fits ${s.fits.length} open` : ''}`);
  });
}

async function end(s) {
  try {
    const kind = s.maintenance ? '&maintenance' : '';
    await tell('DELETE', `v1/silences/${encodeURIComponent(s.name)}?pipeline=${encodeURIComponent(s.pipeline)}${kind}`);
    toast('The silence is over.');
  } catch (error) {
    toast(error.message);
  }
  fetchSilences();
}
