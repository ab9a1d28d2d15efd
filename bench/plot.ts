/** `npm run bench:plot`: draws `docs/performance/*.svg` and writes its `results.md` from `bench/results/*.json`. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benches } from './benches/index.ts';
import { type Bar, drawBars, drawLines } from './harness/svg.ts';

interface Result {
  readonly bench: string;
  readonly what: string;
  readonly at: string;
  readonly seconds: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly notes?: readonly string[];
  readonly series?: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly goals: readonly {
    readonly measure: string;
    readonly goal: string;
    readonly measured: string;
    readonly met: boolean;
  }[];
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, string | number>>[]>>;
}

const RESULTS = join(import.meta.dirname, 'results');
const CHARTS = join(import.meta.dirname, '../docs/performance');

function read(name: string): Result | undefined {
  const file = join(RESULTS, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined;
}

function write(name: string, text: string, ending = 'svg'): void {
  mkdirSync(CHARTS, { recursive: true });
  writeFileSync(join(CHARTS, `${name}.${ending}`), text);
  console.log(`docs/performance/${name}.${ending}`);
}

/** A table in Markdown. */
function tableOf(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? '')));
  return [line(columns), line(columns.map(() => '---')), ...body].join('\n');
}

function chapterOf({ bench, what, at, seconds, machine, goals, tables, notes }: Result): string {
  const against = goals.map(({ measure, goal, measured, met }) => ({
    measure,
    goal,
    measured,
    '': met ? 'met' : '**missed**',
  }));
  const parts = Object.entries(tables).map(([title, rows]) => `${title}:\n\n${tableOf(rows)}`);
  const said = (notes ?? []).map((note) => (note.includes('\n') ? `\`\`\`\n${note}\n\`\`\`` : note));
  const where = `${at.slice(0, 16).replace('T', ' ')} UTC, ${seconds} s; ${machine['cores']} × ${machine['cpu']}, Node ${machine['node']}, PostgreSQL ${machine['postgres']}; load before it began: ${machine['load']}`;
  return [`## ${bench}`, `${what}.`, tableOf(against), ...parts, ...said, where].join('\n\n');
}

const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const backfill = read('backfill')?.series;
if (backfill !== undefined) {
  const bars: Bar[] = Object.entries(backfill).map(([label, turns]) => ({
    label,
    value: middle(turns.map(([rate = 0]) => rate)),
    ours: label === 'supasaasy',
  }));
  write('backfill', drawBars('50,000 customers of 1 KB, no latency: rows per second (median)', bars));
}

const latency = read('latency')?.tables;
if (latency !== undefined) {
  const rows = Object.values(latency)[0] ?? [];
  const bars = rows.map((row) => ({ label: String(row['data']), value: Number(row['requests / pages']), ours: true }));
  write('requests', drawBars('Requests for each full page of 100 objects (1.05 is the goal)', bars, 3));
}

const processes = read('processes')?.series?.['processes'];
if (processes !== undefined) {
  const bars = processes.map(([count = 0, rate = 0]) => ({
    label: `${count} worker processes`,
    value: rate,
    ours: true,
  }));
  write('processes', drawBars('200 ms an answer, 25 requests a process: rows per second', bars));
}

const scale = read('scale')?.series;
if (scale !== undefined) {
  const curves = Object.entries(scale);
  const rows = curves.map(([rowsInAll, points]) => ({
    label: `${Number(rowsInAll).toLocaleString('en-US')} customers`,
    points: points.map(([at = 0, records = 0]) => [at, records] as const),
  }));
  write('scale-rows', drawLines('Rows mirrored over time', 'seconds', 'rows', rows));
  const memory = curves.map(([rowsInAll, points]) => ({
    label: `${Number(rowsInAll).toLocaleString('en-US')} customers`,
    points: points.map(([at = 0, , rss = 0]) => [at, rss / 1e6] as const),
  }));
  write('scale-memory', drawLines('Resident memory of the engine over time', 'seconds', 'MB', memory));
}

const edge = read('edge')?.series?.['invocations'];
if (edge !== undefined) {
  const points = edge.map(([, , cpuMs = 0], i) => [i + 1, cpuMs] as const);
  const lines = [
    { label: 'CPU of the invocation', points },
    { label: 'what the host allows', points: points.map(([n]) => [n, 2_000] as const) },
  ];
  write('edge', drawLines('The Edge worker: CPU of each invocation', 'invocation', 'ms', lines));
}

const names = [...benches.map(({ name }) => name), 'feed-proofs', 'feed-speed'];
const chapters = names.map(read).filter((result) => result !== undefined);
const head = `# Results

Written by \`npm run bench:plot\` from \`bench/results/*.json\`; what the numbers mean is in [performance.md](../performance.md).`;
write('results', `${[head, ...chapters.map(chapterOf)].join('\n\n')}\n`, 'md');
