import type { Log } from '../../engine/ports.ts';

/** Supabase cuts a line at 10,000 characters. */
const LONGEST_LINE = 9_000;

/** One JSON object a line, as Supabase's log explorer filters them. */
export const edgeLog: Log = (level, message, fields = {}) => {
  const line = JSON.stringify({ level, message, ...fields });
  console[level](line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line);
};
