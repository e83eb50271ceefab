// Makes a typed constant of each dashboard and has the compiler check it. `npm ci && npm run check`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const dashboards = new URL('../dashboards/', here);
const generated = new URL('generated/', here);
rmSync(generated, { recursive: true, force: true });
mkdirSync(generated);
const names = readdirSync(dashboards).filter((name) => name.endsWith('.json'));
for (const name of names) {
  const text = readFileSync(new URL(name, dashboards), 'utf8');
  JSON.parse(text);
  writeFileSync(new URL(name.replace('.json', '.ts'), generated), `import type { Board } from '../types';\nexport const board: Board = ${text};`);
}
if (names.length === 0) throw new Error('no dashboards');
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json'], { cwd: here, stdio: 'inherit' });
console.log(`${names.length} dashboards are of the types of @grafana/schema: ${names.join(', ')}`);
