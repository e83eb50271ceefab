// What the page knows. Only app.js writes here what the stream brings.

export const state = {
  pipelines: [],
  alerts: [],
  told: false, // whether alerts have come
  untold: '', // why they do not
  leftOut: 0,
  silences: [],
  chosen: '', // the pipeline that is looked at
  device: null, // the newest answer of the device page
  problem: null, // or why there is none
  skew: 0, // of the server's clock against this one, ms
};

// serverNow is the time that the process would say.
export const serverNow = () => Date.now() + state.skew;

// pipeline is the one that is looked at.
export function pipeline() {
  return state.pipelines.find((p) => p.name === state.chosen) ?? state.pipelines[0];
}

export const several = () => state.pipelines.length > 1;

// levelRank says how a level is coloured: 3 the worst, 1 the mildest. Levels are named freely; a rule lists them from mild to severe.
export function levelRank(level, levels) {
  if (!level) return 0;
  if (/^(critical|emergency|fatal|disaster|page|severe|alarm)$/i.test(level)) return 3;
  if (/^(warning|warn|minor|major|average|high)$/i.test(level)) return 2;
  if (/^(info|notice|note|low)$/i.test(level)) return 1;
  const place = (levels ?? []).indexOf(level);
  return place >= 0 && levels.length > 1 && place === levels.length - 1 ? 3 : 2;
}

export function levelsOf(pipelineName, rule) {
  return state.pipelines.find((p) => p.name === pipelineName)?.rules?.find((r) => r.name === rule)?.levels;
}

const link = (parts) => `#/${parts.map(encodeURIComponent).join('/')}`;

export function deviceLink(device, pipelineName) {
  return link(['device', device]) + (several() && pipelineName ? `?pipeline=${encodeURIComponent(pipelineName)}` : '');
}

export const alertLink = (id) => link(['alert', id]);
export const pipelineLink = (name) => link(['pipeline', name]);
