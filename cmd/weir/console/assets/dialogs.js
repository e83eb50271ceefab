// What is asked of people: who they are, why, and for how long.

import { tell, token } from './ask.js';
import { at, el, show, write } from './dom.js';

const authorKey = 'weir-author';

function remembered() {
  try {
    return localStorage.getItem(authorKey) ?? '';
  } catch {
    return ''; // a browser that keeps nothing
  }
}

function remember(author) {
  try {
    localStorage.setItem(authorKey, author);
  } catch {
    // then it is typed again
  }
}

// ask opens a dialog with a form. `submit` gets its values and may throw: the dialog then says why and stays.
function ask({ title, text, fields, go, submit, closed }) {
  const wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
  const send = el('button', { type: 'submit', class: 'go' }, go);
  const form = el('form', { class: 'ask' },
    el('h2', {}, title), text && el('p', {}, text), fields, wrong,
    el('p', { class: 'ends' }, el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), send));
  const dialog = el('dialog', { 'aria-label': title, onclose: () => (dialog.remove(), closed?.()) }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (error) {
      write(wrong, error.message);
      show(wrong, true);
    } finally {
      send.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

function field(label, attributes) {
  return el('label', { class: 'field' }, el('span', {}, label), el('input', { autocomplete: 'off', ...attributes }));
}

function choice(legend, name, options, usual) {
  return el('fieldset', { class: 'choice' }, el('legend', {}, legend),
    options.map(([value, text], i) => el('label', {}, el('input', { type: 'radio', name, value, checked: usual ? value === usual : i === 0 }), el('span', {}, text))));
}

function author() {
  const known = remembered();
  return [
    field('Who are you?', { name: 'author', value: known, required: true, maxlength: 200, autofocus: !known }),
    field('Why? (others will read it)', { name: 'reason', maxlength: 1000, autofocus: Boolean(known) }),
  ];
}

const whose = (a) => (a.device ? a.device : a.group ? `${a.group} (${a.by})` : 'all devices');
const idOf = (a) => encodeURIComponent(a.id);
const query = (a) => `?pipeline=${encodeURIComponent(a.pipeline)}`;

// acknowledge asks who knows of an alert.
export function acknowledge(a) {
  ask({
    title: 'Acknowledge', text: `${a.rule} of ${whose(a)}`, fields: author(), go: 'Acknowledge',
    submit: async (said) => {
      remember(said.author);
      await tell('POST', `v1/alerts/${idOf(a)}/ack${query(a)}`, said);
      toast('Acknowledged.');
    },
  });
}

export async function unacknowledge(a) {
  try {
    await tell('DELETE', `v1/alerts/${idOf(a)}/ack${query(a)}`);
    toast('No longer acknowledged.');
  } catch (error) {
    toast(error.message);
  }
}

// silence asks what is to be silent, and for how long.
export function silence(a, done) {
  const rule = { name: 'rule', op: '=', value: a.rule };
  const who = a.device ? { name: 'device', op: '=', value: a.device } : a.group && { name: 'group', op: '=', value: a.group };
  const scopes = [who && ['both', `${a.rule} of ${whose(a)}`, [rule, who]], who && ['who', `everything of ${whose(a)}`, [who]], ['rule', `${a.rule} of all`, [rule]]].filter(Boolean);
  ask({
    title: 'Silence', go: 'Silence',
    text: 'Alerts go on, marked as suppressed; whoever notifies people leaves them out.',
    fields: [
      choice('What', 'scope', scopes),
      choice('For how long', 'for', [['30m', '30 min'], ['1h', '1 h'], ['4h', '4 h'], ['8h', '8 h'], ['1d', '1 day'], ['7d', '7 days']], '1h'),
      ...author(),
    ],
    submit: async (said) => {
      remember(said.author);
      const matchers = scopes.find(([name]) => name === said.scope)[2];
      const made = await tell('POST', `v1/silences${query(a)}`, { matchers, for: said.for, author: said.author, reason: said.reason });
      toast(`Silenced until ${new Date(made.end).toLocaleTimeString('en-GB')}.`);
      done?.();
    },
  });
}

let asking = false;

// askToken asks for the token that the API wants; `then` is called when there is one.
export function askToken(then) {
  if (asking) return;
  asking = true;
  const wrong = token.get() !== '';
  let given = false;
  ask({
    title: 'Token', go: 'Enter',
    text: wrong ? 'The token is not the one this process wants.' : 'This process answers only to who has its token. It is kept until this tab is closed.',
    fields: [field('Token', { name: 'token', type: 'password', required: true, autofocus: true, maxlength: 4000 })],
    submit: (said) => {
      token.set(said.token.trim());
      given = true;
    },
    closed: () => {
      asking = false;
      if (given) then();
    },
  });
}

let gone = 0;

// toast says what has been done, for some seconds.
export function toast(text) {
  const box = at('toast');
  write(box, text);
  show(box, true);
  clearTimeout(gone);
  gone = setTimeout(() => show(box, false), 5000);
}
