// The stream of what happens: Server-Sent Events, read by fetch because an EventSource cannot send a token.

import { Problem, request } from './ask.js';

const patience = 10_000; // ms without a word, where one comes every second
const longest = 15_000; // ms between two tries

// Live follows one path at a time and tries again for ever. `take` gets the name and the value of every event, `changed` this object
// when `now` has changed.
export class Live {
  constructor({ take, changed }) {
    Object.assign(this, { take, changed, path: '', control: null, timer: 0, tries: 0 });
    this.now = { state: 'connecting', heard: Date.now(), problem: null, next: 0 };
  }

  follow(path) {
    if (path === this.path) return;
    this.path = path;
    this.tries = 0;
    this.connect();
  }

  // again tries at once.
  again() {
    this.tries = 0;
    this.connect();
  }

  async connect() {
    clearTimeout(this.timer);
    this.control?.abort();
    const control = (this.control = new AbortController());
    const guard = new Watchdog(() => control.abort());
    try {
      const response = await request(this.path, { signal: control.signal, headers: { Accept: 'text/event-stream' } });
      this.skew = Date.parse(response.headers.get('Date')) - Date.now() || 0;
      for await (const { name, data } of events(response.body, () => guard.pat())) {
        if (this.control !== control) return;
        this.heard();
        this.take(name, JSON.parse(data));
      }
      throw new Problem(0, { detail: 'the process has ended the stream' });
    } catch (error) {
      if (this.control === control) this.lost(error);
    } finally {
      guard.stop();
    }
  }

  heard() {
    this.tries = 0;
    const was = this.now.state;
    this.now = { state: 'live', heard: Date.now(), problem: null, next: 0 };
    if (was !== 'live') this.changed(this);
  }

  lost(error) {
    const problem = error instanceof Problem ? error : new Problem(0, { detail: error.name === 'AbortError' ? 'nothing has come for 10 s' : 'the connection broke off' });
    const waits = problem.status !== 401; // with a token it goes on at once
    const delay = Math.min(longest, 500 * 2 ** this.tries++) * (0.75 + Math.random() / 2);
    this.now = { state: 'lost', heard: this.now.heard, problem, next: waits ? Date.now() + delay : 0 };
    if (waits) this.timer = setTimeout(() => this.connect(), delay);
    this.changed(this);
  }
}

class Watchdog {
  constructor(bark) {
    this.bark = bark;
    this.pat();
  }

  pat() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.bark, patience);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

// events reads a stream as the HTML standard has it, section 9.2.6, but for ids and retries, of which there are none.
async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let name = 'message';
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      const lines = (rest + value).split(/\r\n|\n|\r(?=[^])/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (data.length) yield { name, data: data.join('\n') };
          [name, data] = ['message', []];
        } else if (line.startsWith('event:')) name = line.slice(6).trimStart();
        else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
