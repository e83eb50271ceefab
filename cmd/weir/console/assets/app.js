// The console: one page over the HTTP API of a weir process. Here it is put together: what the stream brings, and which view is shown.

import { openAlert, renderAlert } from './alert.js';
import { fetchSilences, renderAlerts, word } from './alerts.js';
import { openDevice, renderDevice, takeDevice } from './device.js';
import { askToken } from './dialogs.js';
import { at, el, keyed, mark, part, show, write } from './dom.js';
import { startFinder } from './finder.js';
import { moment, span } from './format.js';
import { Live } from './live.js';
import { renderOverview, sample } from './overview.js';
import { pipeline, pipelineLink, state } from './state.js';

let route = { view: 'overview' };
let firing = null; // ids of the alerts that fired when they were last looked at

const live = new Live({ take, changed });

function take(name, body) {
  switch (name) {
    case 'pipelines':
      state.pipelines = body.pipelines;
      sample();
      break;
    case 'alerts':
      state.alerts = body.alerts;
      state.told = true;
      state.untold = '';
      state.leftOut = body.left_out ?? 0;
      announce();
      fetchSilences();
      break;
    case 'alerts-problem':
      state.untold = body.detail;
      break;
    case 'device':
      state.device = body;
      state.problem = null;
      takeDevice(body);
      break;
    case 'device-problem':
      state.problem = body;
      break;
    default:
      return; // of a newer process
  }
  render();
}

// announce says to who cannot see the page what has begun to fire.
function announce() {
  const now = state.alerts.filter((a) => a.state === 'firing');
  const begun = now.filter((a) => firing && !firing.has(a.id) && !a.suppressed_by?.length);
  if (begun.length) write(at('said'), begun.length > 3 ? `${begun.length} alerts have begun to fire` : begun.map((a) => `${word(a)}: ${a.rule} of ${a.device || a.group || 'all'}`).join('; '));
  firing = new Set(now.map((a) => a.id));
  document.title = now.length ? `(${now.length}) weir` : 'weir';
}

// changed follows the connection.
function changed() {
  const { state: how, problem } = live.now;
  if (how === 'live') {
    state.skew = Math.abs(live.skew) > 1500 ? live.skew : 0; // the header has whole seconds
    fetchSilences();
  }
  if (problem?.status === 401) askToken(() => live.again());
  renderLink();
}

function renderLink() {
  const { state: how, problem, heard, next } = live.now;
  mark(at('link'), 'data-state', how);
  write(at('link-word'), { live: 'live', lost: 'not connected', connecting: 'connecting' }[how]);
  const versions = [...new Set(state.pipelines.map((p) => p.version))];
  write(at('version'), versions.length ? `weir ${versions.join(', ')}` : '');
  const lost = how === 'lost';
  document.body.classList.toggle('stale', lost);
  show(at('banner'), lost);
  if (!lost) return;
  const seen = state.pipelines.length > 0;
  const wait = next ? Math.max(0, Math.round((next - Date.now()) / 1000)) : null;
  const why = { 401: 'It asks for a token.', 403: problem.message }[problem.status] ?? (problem.message ? `${problem.message[0].toUpperCase()}${problem.message.slice(1)}.` : '');
  write(at('banner-text'), `Not connected since ${moment(heard)}. ${why}${seen ? ' What is shown is from then.' : ''}${wait == null ? '' : wait ? ` Next try in ${span(wait).replace('.0 ', ' ')}.` : ' Trying.'}`);
}

function renderPipelines() {
  const shown = pipeline();
  keyed(at('pipelines'), state.pipelines, (p) => p.name, (p) => el('a', { href: pipelineLink(p.name) }, el('span', { class: 'name' }, p.name), ' ', el('span', { class: 'ready', 'data-is': 'ready' })), (node, p) => {
    mark(node, 'data-ready', String(p.ready));
    write(part(node, 'ready'), p.ready ? 'ready' : 'not ready');
    mark(node, 'aria-current', p === shown ? 'true' : null);
  });
}

function render() {
  renderPipelines();
  renderLink();
  if (route.view === 'overview') {
    renderOverview();
    renderAlerts();
  } else if (route.view === 'device') renderDevice();
  else renderAlert();
}

// read makes a route of the part of the address behind #.
function read() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  let [view, ...rest] = path.split('/');
  let name = '';
  try {
    name = decodeURIComponent(rest.join('/'));
  } catch {
    view = ''; // somebody has cut the address
  }
  if (view === 'device' && name) return { view, name, pipeline: new URLSearchParams(query).get('pipeline') ?? '' };
  if (view === 'alert' && name) return { view, name };
  return { view: 'overview', name: view === 'pipeline' ? name : '' };
}

function go() {
  route = read();
  if (route.view === 'overview' && route.name) state.chosen = route.name;
  if (route.view === 'device' && route.pipeline) state.chosen = route.pipeline;
  for (const view of ['overview', 'device', 'alert']) show(at(view), view === route.view);
  if (route.view === 'device') openDevice(route.name, route.pipeline);
  if (route.view === 'alert') openAlert(route.name);
  scrollTo(0, 0);
  const about = route.view === 'device' ? `?${new URLSearchParams({ device: route.name, ...(route.pipeline && { pipeline: route.pipeline }) })}` : '';
  live.follow(`v1/live${about}`);
  render();
}

addEventListener('hashchange', () => {
  go();
  at('main').focus({ preventScroll: true });
});
addEventListener('online', () => live.now.state === 'lost' && live.again());
addEventListener('resize', render);
at('banner-again').addEventListener('click', () => live.again());
at('alerts-filter').addEventListener('input', renderAlerts);
at('tasks').addEventListener('toggle', renderOverview);
at('tasks').open = matchMedia('(min-width: 900px)').matches;
setInterval(() => (live.now.state === 'lost' ? renderLink() : route.view !== 'overview' && render()), 1000);
setInterval(() => live.now.state === 'live' && fetchSilences(), 30_000);
startFinder();
go();
