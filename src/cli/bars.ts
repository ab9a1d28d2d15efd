import { MultiBar, type SingleBar } from 'cli-progress';
import { formatDuration } from '../engine/format-duration.ts';
import { etaOf, type Line, percent, rateOf } from './line.ts';
import type { Output } from './output.ts';
import { formatCount } from './table.ts';

interface Slot {
  readonly bar: SingleBar;
  line: Line;
}

const MOST_SLOTS = 12;
/** A resource that showed nothing for so long gives its place to another one. */
const IDLE_MS = 1_000;

/**
 * As many bars as are worked on at one time. A resource that is complete moves up into the text above, and its place
 * goes to the next one: the screen never needs more lines than it has.
 */
export function createBars(out: Output, stream: NodeJS.WritableStream) {
  const multi = new MultiBar({
    format: '{name} {bar} {rows} rows {rate} rows/s {budget} of the budget  {left}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: Math.max(8, Math.min(24, out.columns - 98)),
    hideCursor: true,
    stream,
    fps: 10,
    gracefulExit: false,
    emptyOnZero: true,
    linewrap: false,
  });
  const slots: Slot[] = [];
  const told = new Set<Line>();
  const most = Math.max(2, Math.min(MOST_SLOTS, out.rows - 6));

  function tell(line: Line): void {
    if (told.has(line)) return;
    told.add(line);
    const done = `${out.green('✓')} ${line.name.padEnd(38)} ${formatCount(line.rows).padStart(9)} rows`;
    multi.log(`${done} ${formatCount(rateOf(line)).padStart(8)} rows/s\u001b[K\n`);
  }

  function slotFor(line: Line): Slot | undefined {
    const own = slots.find((slot) => slot.line === line);
    if (own !== undefined) return own;
    if (slots.length < most) {
      const slot = { bar: multi.create(line.total, 0, payloadOf(line, out)), line };
      slots.push(slot);
      return slot;
    }
    const now = performance.now();
    const free =
      slots.find((slot) => isComplete(slot.line)) ?? slots.find((slot) => now - slot.line.touchedAt > IDLE_MS);
    if (free === undefined) return undefined;
    if (isComplete(free.line)) tell(free.line);
    free.line = line;
    return free;
  }

  return {
    draw(line: Line) {
      const slot = slotFor(line);
      if (slot === undefined) return;
      slot.bar.setTotal(line.total === 0 ? 0 : Math.max(line.total, line.rows));
      slot.bar.update(line.rows, payloadOf(line, out));
    },
    /** The bars go; what they had to say stays. */
    stop(lines: readonly Line[]) {
      for (const line of lines) tell(line);
      for (const slot of slots) multi.remove(slot.bar);
      multi.stop();
    },
  };
}

function isComplete(line: Line): boolean {
  return line.total > 0 && line.rows >= line.total;
}

function payloadOf(line: Line, out: Output) {
  const rate = rateOf(line);
  return {
    name: line.name.padEnd(40),
    rows: formatCount(line.rows).padStart(9),
    rate: formatCount(rate).padStart(8),
    budget: percent(line.budgetUse).padStart(5),
    left: line.total === 0 ? '' : isComplete(line) ? out.green('done') : `ETA ${formatDuration(etaOf(line) ?? 0)}`,
  };
}
