/**
 * What a JSON text from outside may ask of whatever reads it. PostgreSQL's and PGlite's parsers call themselves for each
 * level: PGlite, which has the stack of a JavaScript thread, does not survive some 20,000 of them. A number of nine characters
 * (`1e131071`) is 131,072 when it is written out.
 */
export const JSON_LIMITS = {
  /** Levels of arrays and objects. Providers' objects have at most some twenty. */
  depth: 500,
  /** Digits of one number, written out. */
  digits: 1_000,
  /** Digits that all exponents of one text add. */
  added: 1_000_000,
  /** Bytes of one string. */
  stringBytes: 20 * 1024 * 1024,
} as const;

/** A value that goes past a limit. */
interface Excess {
  readonly reason: string;
  /** The value's place in the bytes; its end is known where it was asked for. */
  readonly start: number;
  readonly end: number;
}

const DEEP = `it nests more than ${JSON_LIMITS.depth} levels`;
const LONG_NUMBER = `it has a number of more than ${JSON_LIMITS.digits} digits`;
const MANY_DIGITS = `the exponents of its numbers add more than ${JSON_LIMITS.added} digits`;
const LONG_STRING = `it has a string of more than ${JSON_LIMITS.stringBytes} bytes`;
/** Exponents up to this make nothing large. */
const SMALL_EXPONENT = 30;

const [QUOTE, BACKSLASH, PLUS, MINUS, POINT, ZERO, NINE] = [0x22, 0x5c, 0x2b, 0x2d, 0x2e, 0x30, 0x39];
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END, E, SMALL_E] = [0x5b, 0x5d, 0x7b, 0x7d, 0x45, 0x65];

/** Why a text must not reach a parser, or undefined. Judges only its limits: what is no JSON is the parser's to refuse. */
export function excessOf(json: Uint8Array | string): string | undefined {
  const bytes = typeof json === 'string' ? new TextEncoder().encode(json) : json;
  return scan(bytes, true)[0]?.reason;
}

/** Every value that goes past a limit, in order; none lies inside another. */
export function findExcesses(json: Uint8Array): Excess[] {
  return scan(json, false);
}

/** One walk over the bytes, without recursion and without memory: 0.1 ms for a page of 90 kB. */
function scan(bytes: Uint8Array, first: boolean): Excess[] {
  const { length } = bytes;
  const found: Excess[] = [];
  let depth = 0;
  let deepFrom = -1;
  let added = 0;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      const start = i;
      for (i += 1; i < length; i += 1) {
        const inside = bytes[i] as number;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) i += 1;
      }
      if (i - start > JSON_LIMITS.stringBytes && deepFrom < 0)
        found.push({ reason: LONG_STRING, start, end: Math.min(i + 1, length) });
    } else if (byte >= ZERO && byte <= NINE) {
      const start = i;
      let exponent = 0;
      for (i += 1; i < length; i += 1) {
        const next = bytes[i] as number;
        if ((next >= ZERO && next <= NINE) || next === POINT) continue;
        if (next === E || next === SMALL_E) {
          const sign = bytes[i + 1];
          i += sign === PLUS || sign === MINUS ? 2 : 1;
          for (; i < length; i += 1) {
            const digit = (bytes[i] as number) - ZERO;
            if (digit < 0 || digit > 9) break;
            if (exponent < 1e9) exponent = exponent * 10 + digit;
          }
        }
        break;
      }
      if (exponent > SMALL_EXPONENT) added += exponent;
      const large = i - start + exponent > JSON_LIMITS.digits;
      if ((large || (exponent > SMALL_EXPONENT && added > JSON_LIMITS.added)) && deepFrom < 0)
        found.push({ reason: large ? LONG_NUMBER : MANY_DIGITS, start: afterMinus(bytes, start), end: i });
      // The byte after the number is looked at again.
      i -= 1;
    } else if (byte === ARRAY || byte === OBJECT) {
      depth += 1;
      if (depth === JSON_LIMITS.depth + 1) {
        deepFrom = i;
        if (first) return [{ reason: DEEP, start: i, end: length }];
      }
    } else if (byte === ARRAY_END || byte === OBJECT_END) {
      if (depth === JSON_LIMITS.depth + 1 && deepFrom >= 0) {
        found.push({ reason: DEEP, start: deepFrom, end: i + 1 });
        deepFrom = -1;
      }
      depth -= 1;
    }
    if (first && found.length > 0) return found;
  }
  if (deepFrom >= 0) found.push({ reason: DEEP, start: deepFrom, end: length });
  return found;
}

const afterMinus = (bytes: Uint8Array, start: number) => (bytes[start - 1] === MINUS ? start - 1 : start);
