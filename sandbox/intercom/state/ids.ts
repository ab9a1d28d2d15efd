import { hash32, hex, scramble32, unscramble32 } from './hash.ts';

/** Ids of one resource: computed from the index, and back. */
export interface IdScheme {
  of(index: number): string;
  /** Undefined when the text is no id of this resource; the index may lie beyond what exists. */
  indexOf(id: string): number | undefined;
}

/** 24 hexadecimal digits, as contacts, companies and segments have. */
export function hexIds(seed: number, salt: number): IdScheme {
  const key = hash32(seed, salt, 7);
  const prefix = hex(hash32(seed, salt, 11), 8) + hex(hash32(seed, salt, 13), 8);
  return {
    of: (index) => prefix + hex(scramble32(index, key), 8),
    indexOf(id) {
      if (!/^[0-9a-f]{24}$/.test(id) || !id.startsWith(prefix)) return undefined;
      return unscramble32(Number.parseInt(id.slice(16), 16), key);
    },
  };
}

/** Decimal digits in no particular order, as conversations, tickets and articles have. */
export function decimalIds(seed: number, salt: number): IdScheme {
  const key = hash32(seed, salt, 17);
  const base = 215_000_000_000 + (hash32(seed, salt, 19) % 1_000) * 10_000_000_000;
  return {
    of: (index) => String(base + scramble32(index, key)),
    indexOf(id) {
      if (!/^[0-9]{12,14}$/.test(id)) return undefined;
      const rest = Number(id) - base;
      return rest >= 0 && rest <= 0xffffffff ? unscramble32(rest, key) : undefined;
    },
  };
}

/** Small consecutive numbers, as admins, teams and tags have. */
export function countingIds(first: number): IdScheme {
  return {
    of: (index) => String(first + index),
    indexOf: (id) => (/^[0-9]{1,9}$/.test(id) && Number(id) >= first ? Number(id) - first : undefined),
  };
}
