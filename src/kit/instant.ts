import type { InstantAt, Precision } from './resource.ts';

/** 0000-01-01T00:00:00Z and the last millisecond of 9999: what ISO 8601 can write and a timestamp can hold. */
const EARLIEST_MS = -62_167_219_200_000;
const LATEST_MS = 253_402_300_799_999;
const DAY_MS = 86_400_000;
const DAYS_BEFORE_1970 = 719_528;
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

const ISO =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?:[Tt ](?:([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:[.,](\d+))?)?|(24):00(?::00(?:[.,]0+)?)?)(?: ?(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?))?)?$/;

export const PRECISION_MS: Readonly<Record<Precision, number>> = { '1ms': 1, '1s': 1000, '1m': 60_000, '1d': DAY_MS };

/**
 * ISO 8601 in milliseconds, rounded down; null when the text is none. The twin of `supasaasy.iso_ms`. T may be lower
 * case or a blank; Z may be lower case; an offset is `±hh`, `±hhmm` or `±hh:mm`; without one the time is UTC. A date
 * alone is its first moment, 24:00 is the next day, and second 60 is the first one of the next minute, as in PostgreSQL.
 */
export function isoMs(text: string): number | null {
  const parts = ISO.exec(text);
  if (parts === null) return null;
  const at = (group: number) => Number(parts[group] ?? 0);
  const [year, month, day] = [at(1), at(2), at(3)];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const last = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  if (day > last) return null;
  const leapDays = Math.floor((year + 3) / 4) - Math.floor((year + 99) / 100) + Math.floor((year + 399) / 400);
  const dayOfYear = (DAYS_BEFORE_MONTH[month - 1] ?? 0) + day - 1 + (leap && month > 2 ? 1 : 0);
  const seconds = (at(4) + at(8)) * 3600 + at(5) * 60 + at(6);
  const fraction = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offset = (at(10) * 60 + at(11)) * (parts[9] === '-' ? -60_000 : 60_000);
  return inRange((365 * year + leapDays + dayOfYear - DAYS_BEFORE_1970) * DAY_MS + seconds * 1000 + fraction - offset);
}

/** A provider's instant in milliseconds, rounded down, or null. The twin of `supasaasy.instant_ms`. */
export function instantMs(value: unknown, unit: InstantAt['unit']): number | null {
  if (unit === 'iso') return typeof value === 'string' ? isoMs(value) : null;
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  return inRange(floorOf(value, unit === 's' ? 3 : 0));
}

/** How exact an instant is by what is written and described, in milliseconds. The twin of `supasaasy.iso_width`. */
export function widthMs(value: unknown, at: InstantAt): number {
  const described = at.precision === undefined ? undefined : PRECISION_MS[at.precision];
  if (at.unit !== 'iso') return described ?? (at.unit === 's' ? 1000 : 1);
  const text = String(value);
  const fraction = /^[.,](\d+)/.exec(text.slice(19))?.[1]?.length ?? 0;
  const written = text.length === 10 ? DAY_MS : text[16] !== ':' ? 60_000 : Math.max(1, 10 ** (3 - fraction));
  return Math.max(written, described ?? 1);
}

/** The beginning of the unit in which a moment lies, where a description is coarser than a millisecond. */
export function floorMs(ms: number, at: InstantAt | undefined): number {
  const width = at?.precision === undefined ? 1 : PRECISION_MS[at.precision];
  return Math.floor(ms / width) * width;
}

function inRange(ms: number): number | null {
  return ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : null;
}

/** ⌊value · 10^digits⌋ by its decimal digits, as SQL's numeric has it: 1.005 · 1000 is not 1004.9999999999999. */
function floorOf(value: number | bigint, digits: number): number {
  const scaled = Number(value) * 10 ** digits;
  if (Number.isInteger(value) || !Number.isFinite(scaled) || Math.abs(scaled) > 2 * LATEST_MS) return scaled;
  // Small enough for a decimal without an exponent, unless it is next to nothing.
  if (Math.abs(Number(value)) < 1e-6) return value < 0 ? -1 : 0;
  const [whole = '', fraction = ''] = String(value).replace('-', '').split('.');
  const cut = Number(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  return value < 0 ? -cut - (/[1-9]/.test(fraction.slice(digits)) ? 1 : 0) : cut;
}
