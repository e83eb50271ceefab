// How numbers and times are written.

import { serverNow } from './state.js';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const plain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const year = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

const none = '–';

export const count = (n) => (n == null ? none : whole.format(n));

// value writes a measured number.
export function value(v) {
  if (v == null || typeof v !== 'number') return v == null ? none : String(v);
  if (v !== 0 && (Math.abs(v) < 0.01 || Math.abs(v) >= 1e9)) return v.toPrecision(4).replace(/\.?0+(e|$)/, '$1');
  return Math.abs(v) < 1 ? fine.format(v) : plain.format(v);
}

// rate is a number a second.
export function rate(v) {
  if (v == null) return none;
  return v < 10 && v > 0 ? v.toFixed(1) : whole.format(v);
}

export function share(part, all) {
  if (!all || !part) return '0 %';
  const percent = (100 * part) / all;
  if (percent < 0.01) return '< 0.01 %';
  if (percent > 99.99 && part < all) return '> 99.99 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

export function bytes(n) {
  if (n == null) return none;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let u = 0;
  while (n >= 1024 && u < units.length - 1) [n, u] = [n / 1024, u + 1];
  return `${u ? n.toFixed(n < 10 ? 1 : 0) : n} ${units[u]}`;
}

// span writes seconds in their two largest units.
export function span(seconds) {
  if (seconds == null) return none;
  const s = Math.max(0, seconds);
  if (s < 1) return s ? `${Math.max(1, Math.round(s * 1000))} ms` : '0 s';
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// ago is how long a time is past, to whole seconds.
export function ago(text) {
  const ms = serverNow() - Date.parse(text);
  if (!(ms > 1500)) return ms < -1500 ? `${span(Math.round(-ms / 1000))} ahead` : 'now';
  return `${span(Math.floor(ms / 1000)).replace('.0 ', ' ')} ago`;
}

export function since(text) {
  return span(Math.max(1, Math.floor((serverNow() - Date.parse(text)) / 1000))).replace('.0 ', ' ');
}

// moment writes a time of day here, with the date where that is not today.
export function moment(time) {
  const t = new Date(time);
  if (Number.isNaN(+t) || +t <= 0) return none;
  const now = new Date(serverNow());
  if (t.toDateString() === now.toDateString()) return clock.format(t);
  return `${(t.getFullYear() === now.getFullYear() ? day : year).format(t)}, ${clock.format(t)}`;
}

export const hour = (ms) => clock.format(new Date(ms));

// sentence begins with a capital letter.
export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) : '');
