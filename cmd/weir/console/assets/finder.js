// The box that finds devices: a combobox as the ARIA practices describe it.

import { get } from './ask.js';
import { at, el, mark, show } from './dom.js';
import { deviceLink, pipeline } from './state.js';

let names = [];
let active = -1;
let asked = 0;
let timer = 0;

export function startFinder() {
  const box = at('find-box');
  box.addEventListener('input', () => later(120));
  box.addEventListener('focus', () => later(0));
  box.addEventListener('blur', () => setTimeout(close, 150));
  box.addEventListener('keydown', key);
  at('find').addEventListener('submit', (event) => {
    event.preventDefault();
    go(names[active] ?? box.value.trim());
  });
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select, dialog');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    box.focus();
  });
}

function later(ms) {
  clearTimeout(timer);
  timer = setTimeout(suggest, ms);
}

async function suggest() {
  const mine = ++asked;
  const typed = at('find-box').value.trim();
  const p = pipeline();
  const query = new URLSearchParams({ prefix: typed, limit: 20, ...(p && { pipeline: p.name }) });
  let answer = { devices: [], more: false };
  try {
    answer = await get(`v1/devices?${query}`);
  } catch {
    // the stream says what is the matter
  }
  if (mine !== asked || document.activeElement !== at('find-box')) return;
  names = answer.devices;
  active = -1;
  const hint = answer.more ? 'more: type on' : !names.length && typed ? 'none here begins so: Enter asks for this very name' : '';
  at('find-list').replaceChildren(
    ...names.map((name, i) => el('li', { role: 'option', id: `find-${i}`, 'aria-selected': 'false', onpointerdown: (event) => (event.preventDefault(), go(name)) }, el('b', {}, name.slice(0, typed.length)), name.slice(typed.length))),
    ...(hint ? [el('li', { class: 'hint', role: 'presentation' }, hint)] : []));
  show(at('find-list'), names.length > 0 || hint !== '');
  mark(at('find-box'), 'aria-expanded', String(!at('find-list').hidden));
  choose(-1);
}

function key(event) {
  if (event.key === 'Escape') return at('find-list').hidden ? at('find-box').blur() : close();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !names.length) return;
  event.preventDefault();
  if (at('find-list').hidden) return later(0);
  choose((active + step + names.length + (active < 0 && step < 0 ? 1 : 0)) % names.length);
}

function choose(i) {
  active = i;
  [...at('find-list').children].forEach((li, k) => li.role === 'option' && mark(li, 'aria-selected', String(k === i)));
  mark(at('find-box'), 'aria-activedescendant', i >= 0 ? `find-${i}` : null);
  at(`find-${i}`)?.scrollIntoView({ block: 'nearest' });
}

function close() {
  clearTimeout(timer);
  asked++;
  show(at('find-list'), false);
  mark(at('find-box'), 'aria-expanded', 'false');
  mark(at('find-box'), 'aria-activedescendant', null);
  active = -1;
}

function go(name) {
  if (!name) return;
  close();
  at('find-box').value = '';
  at('find-box').blur();
  location.hash = deviceLink(name, pipeline()?.name);
}
