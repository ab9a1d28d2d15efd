import { asciiBytes, type Ink } from '../http/ink.ts';
import { mix } from '../http/random.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PAIRS = Array.from({ length: 3844 }, (_, n) => `${ALPHABET[Math.floor(n / 62)]}${ALPHABET[n % 62]}`);
const CHECKS = Array.from({ length: 4096 }, (_, n) =>
  [1, 2, 3, 4].map((part) => PAIRS[mix(n * 4 + part) % 3844]).join(''),
);
/** The same as bytes, one after the other. */
const PAIR_BYTES = asciiBytes(PAIRS.join(''));
const CHECK_BYTES = asciiBytes(CHECKS.join(''));
const DIGITS = new Int16Array(128).fill(-1);
for (let i = 0; i < 62; i++) DIGITS[ALPHABET.charCodeAt(i)] = i;

/** Ids that look opaque, sort unlike creation, and still lead back to the position of their object. */
export interface IdCodec {
  readonly prefix: string;
  of(position: number): string;
  /** Writes what `of` says. */
  write(ink: Ink, position: number): void;
  positionOf(id: string): number | undefined;
}

/** `checks` characters follow the six that carry the position; they make guessed ids unknown. */
export function createIdCodec(prefix: string, key: number, checks: 2 | 8 = 8): IdCodec {
  const prefixBytes = asciiBytes(prefix);
  const of = (position: number) => {
    const code = scramble(position ^ key);
    const check = mix(code ^ Math.imul(key, 31));
    const head =
      prefix + PAIRS[code % 3844] + PAIRS[Math.floor(code / 3844) % 3844] + PAIRS[Math.floor(code / 14776336)];
    if (checks === 2) return head + PAIRS[check % 3844];
    return head + CHECKS[check & 4095];
  };
  return {
    prefix,
    of,
    write(ink, position) {
      const code = scramble(position ^ key);
      const check = mix(code ^ Math.imul(key, 31));
      ink.copy(prefixBytes);
      ink.room(6 + checks);
      const { bytes } = ink;
      let at = ink.at;
      let pair = (code % 3844) * 2;
      bytes[at++] = PAIR_BYTES[pair] as number;
      bytes[at++] = PAIR_BYTES[pair + 1] as number;
      pair = (Math.floor(code / 3844) % 3844) * 2;
      bytes[at++] = PAIR_BYTES[pair] as number;
      bytes[at++] = PAIR_BYTES[pair + 1] as number;
      pair = Math.floor(code / 14776336) * 2;
      bytes[at++] = PAIR_BYTES[pair] as number;
      bytes[at++] = PAIR_BYTES[pair + 1] as number;
      const source = checks === 2 ? PAIR_BYTES : CHECK_BYTES;
      const from = checks === 2 ? (check % 3844) * 2 : (check & 4095) * 8;
      for (let i = 0; i < checks; i++) bytes[at++] = source[from + i] as number;
      ink.at = at;
    },
    positionOf(id) {
      if (id.length !== prefix.length + 6 + checks || !id.startsWith(prefix)) return undefined;
      const at = prefix.length;
      const code = pairAt(id, at) + 3844 * pairAt(id, at + 2) + 14776336 * pairAt(id, at + 4);
      if (!(code >= 0 && code < 4294967296)) return undefined;
      const position = (unscramble(code) ^ key) >>> 0;
      return of(position) === id ? position : undefined;
    },
  };
}

/** What the id of a part says: its owner's position and its own place. */
export const partCode = (owner: number, place: number) => owner * 1024 + place;

function pairAt(id: string, at: number): number {
  const high = DIGITS[id.charCodeAt(at)] ?? -1;
  const low = DIGITS[id.charCodeAt(at + 1)] ?? -1;
  return high < 0 || low < 0 ? Number.NaN : high * 62 + low;
}

/** A permutation of 32 bits (MurmurHash3's finalizer) and its inverse. */
function scramble(value: number): number {
  return mix(value);
}

function unscramble(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x7ed1b41d);
  h ^= (h >>> 13) ^ (h >>> 26);
  h = Math.imul(h, 0xa5cb9243);
  return (h ^ (h >>> 16)) >>> 0;
}
