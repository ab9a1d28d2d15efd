import process from 'node:process';
import { MultiBar, type SingleBar } from 'cli-progress';
import type { PageProgress } from '../engine/sync/context.ts';
import type { Output } from './output.ts';
import { formatCount } from './table.ts';

export interface Progress {
  readonly onPage: (progress: PageProgress) => void;
  /** How many rows a resource will have, where that is known: then there is an ETA. */
  expect(appKey: string, resource: string, rows: number): void;
  /** Ends the drawing; later pages are not shown. */
  stop(): void;
}

interface Line {
  readonly name: string;
  rows: number;
  total: number;
  readonly startedAt: number;
  touchedAt: number;
  bar?: SingleBar;
}

const PLAIN_EVERY_MS = 2_000;

/** A bar per resource on a person's screen; a line now and then everywhere else. On standard error, always. */
export function createProgress(out: Output): Progress {
  const lines = new Map<string, Line>();
  const totals = new Map<string, number>();
  const bars = out.interactive ? createBars(out) : undefined;
  let stopped = false;
  let saidAt = performance.now();

  function lineOf(key: string): Line {
    const now = performance.now();
    const line = lines.get(key) ?? { name: key, rows: 0, total: totals.get(key) ?? 0, startedAt: now, touchedAt: now };
    lines.set(key, line);
    return line;
  }

  return {
    expect: (appKey, resource, rows) => void totals.set(`${appKey} ${resource}`, rows),
    onPage({ appKey, resource, records }) {
      if (stopped || records === 0) return;
      const line = lineOf(`${appKey} ${resource}`);
      line.rows += records;
      line.touchedAt = performance.now();
      if (bars !== undefined) bars.draw(line, lines);
      else if (performance.now() - saidAt > PLAIN_EVERY_MS) {
        saidAt = performance.now();
        const rows = [...lines.values()].reduce((sum, each) => sum + each.rows, 0);
        out.note(`… ${formatCount(rows)} rows, now ${line.name} (${formatCount(line.rows)}, ${rateOf(line)}/s)`);
      }
    },
    stop() {
      if (stopped) return;
      stopped = true;
      bars?.stop();
    },
  };
}

function rateOf(line: Line): string {
  const seconds = Math.max(0.05, (performance.now() - line.startedAt) / 1000);
  return formatCount(Math.round(line.rows / seconds));
}

/** As many bars as the screen has room for: those that are complete make room first. */
function createBars(out: Output) {
  const multi = new MultiBar(
    {
      format: '{name} {bar} {rows} rows  {rate} rows/s  {left}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: false,
      stream: process.stderr,
      fps: 10,
      gracefulExit: false,
      emptyOnZero: true,
      autopadding: true,
    },
    undefined,
  );
  const room = Math.max(3, out.rows - 4);

  function payload(line: Line) {
    const left = line.total - line.rows;
    const seconds = (left * (performance.now() - line.startedAt)) / 1000 / Math.max(1, line.rows);
    return {
      name: line.name.padEnd(36),
      rows: formatCount(line.rows).padStart(9),
      rate: rateOf(line).padStart(7),
      left: line.total === 0 ? '' : left <= 0 ? out.green('done') : `ETA ${Math.ceil(seconds)} s`,
    };
  }

  return {
    draw(line: Line, all: ReadonlyMap<string, Line>) {
      if (line.bar === undefined) {
        const shown = [...all.values()].filter((each) => each.bar !== undefined);
        if (shown.length >= room) {
          const oldest = shown
            .filter((each) => each.total === 0 || each.rows >= each.total)
            .sort((a, b) => a.touchedAt - b.touchedAt)[0];
          if (oldest?.bar === undefined) return;
          multi.remove(oldest.bar);
          delete oldest.bar;
        }
        line.bar = multi.create(line.total, 0, payload(line));
      }
      line.bar.setTotal(line.total === 0 ? 0 : Math.max(line.total, line.rows));
      line.bar.update(line.rows, payload(line));
    },
    stop: () => multi.stop(),
  };
}
