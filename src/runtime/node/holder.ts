import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { SqlDatabase } from '../../engine/database.ts';

/**
 * Who holds a lease: the machine, the process, and since when it lives. A number of a process means something on one machine,
 * since its start, and inside one container only.
 */
export function createHolder(): string {
  return `${machine()}:${process.pid}:${startOf(process.pid) ?? Math.round(performance.timeOrigin)}`;
}

/**
 * Ends the leases of processes of this machine that are dead: their work goes on at once, not after its lease. One that was
 * taken for dead by mistake can write nothing any more, and does no harm.
 */
export async function freeDeadLeases(database: SqlDatabase): Promise<void> {
  const [column] = await database.query<{ there: boolean }>(
    `select exists (select from pg_attribute where attrelid = to_regclass('supasaasy.tasks') and attname = 'holder') as there`,
  );
  if (column?.there !== true) return;
  const holders = await database.query<{ holder: string }>(
    `select distinct holder from supasaasy.tasks where state = 'running' and holder is not null and lease_until > clock_timestamp()`,
  );
  const dead = holders.map(({ holder }) => holder).filter(isDead);
  if (dead.length === 0) return;
  await database.query(
    `update supasaasy.tasks set lease_until = '-infinity' where state = 'running' and holder = any ($1::text[])`,
    [dead],
  );
}

function isDead(holder: string): boolean {
  const [where, pid, since] = holder.split(':');
  const number = Number(pid);
  if (where !== machine() || !Number.isSafeInteger(number)) return false;
  const start = startOf(number);
  if (start !== undefined) return String(start) !== since;
  try {
    process.kill(number, 0);
    return process.platform === 'linux';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

let known: string | undefined;

function machine(): string {
  known ??= createHash('sha256')
    .update(`${hostname()} ${readOr('/proc/sys/kernel/random/boot_id')} ${linkOr('/proc/self/ns/pid')}`)
    .digest('hex')
    .slice(0, 12);
  return known;
}

/** When a process began, in ticks since the machine did, where Linux says so; undefined where there is none, or a dead one. */
function startOf(pid: number): number | undefined {
  // After the name, which may hold anything: state, then 18 numbers, then the start.
  const fields = /\) ([A-Z]) (.*)$/s.exec(readOr(`/proc/${pid}/stat`));
  if (fields === null || fields[1] === 'Z' || fields[1] === 'X') return undefined;
  return Number(fields[2]?.split(' ')[18]);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function linkOr(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
