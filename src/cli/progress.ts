import process from 'node:process';
import { formatDuration } from '../engine/format-duration.ts';
import type { PageProgress } from '../engine/sync/context.ts';
import { createBars } from './bars.ts';
import { etaOf, type Line, percent, rateOf } from './line.ts';
import type { Output } from './output.ts';
import { formatCount } from './table.ts';

export interface Progress {
  readonly onPage: (progress: PageProgress) => void;
  /** How many rows a resource will have, as far as that is known, whenever it becomes known: then there is an ETA. */
  expect(appKey: string, resource: string, rows: number): void;
  /** Ends the drawing; later pages are not shown. */
  stop(): void;
}

const PLAIN_EVERY_MS = 2_000;

/** A bar per resource on a person's screen; a line now and then everywhere else. On standard error, always. */
export function createProgress(out: Output): Progress {
  const lines = new Map<string, Line>();
  const totals = new Map<string, number>();
  let bars: ReturnType<typeof createBars> | undefined;
  let stopped = false;
  let saidAt = performance.now();

  function add(name: string, rows: number, budgetUse: number): void {
    if (stopped || rows === 0) return;
    const now = performance.now();
    const line = lines.get(name) ?? {
      name,
      rows: 0,
      total: totals.get(name) ?? 0,
      startedAt: now,
      touchedAt: now,
      budgetUse,
    };
    lines.set(name, line);
    line.rows += rows;
    line.touchedAt = now;
    line.budgetUse = budgetUse;
    if (out.interactive) {
      bars ??= createBars(out, process.stderr);
      bars.draw(line);
    } else if (now - saidAt > PLAIN_EVERY_MS) {
      saidAt = now;
      const sum = [...lines.values()].reduce((rows, each) => rows + each.rows, 0);
      const eta = etaOf(line);
      out.note(
        `… ${formatCount(sum)} rows, now ${name} (${formatCount(line.rows)}, ${formatCount(rateOf(line))}/s${eta === undefined ? '' : `, ETA ${formatDuration(eta)}`}); ${percent(budgetUse)} of the allowed requests in use`,
      );
    }
  }

  return {
    expect(appKey, resource, rows) {
      const name = `${appKey} ${resource}`;
      totals.set(name, rows);
      const line = lines.get(name);
      if (line !== undefined) line.total = rows;
    },
    onPage({ appKey, resource, counts, budgetUse = 0 }) {
      add(`${appKey} ${resource}`, rowsOf(counts), budgetUse);
      for (const [child, nested] of childrenOf(counts)) add(`${appKey} ${child}`, rowsOf(nested), budgetUse);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      bars?.stop([...lines.values()]);
    },
  };
}

type Counts = PageProgress['counts'];

/** What was compared with the mirror: an object that a list only names counts when it is read. */
function rowsOf({ created, updated, unchanged, archived, deleted }: Counts): number {
  return [created, updated, unchanged, archived, deleted].reduce((sum, count) => sum + Number(count), 0);
}

/** The answer of a page also counts what lay nested in it. */
function childrenOf(counts: Counts): [string, Counts][] {
  return Object.entries('children' in counts ? (counts.children as Record<string, Counts>) : {});
}
