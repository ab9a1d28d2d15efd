/** Randomness as a function of seed and position, so that object N can be made without the N − 1 before it. */
export function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 bits from a seed and up to two positions. */
export function hash(seed: number, a: number, b = 0): number {
  return mix(Math.imul(a | 0, 0x9e3779b1) ^ mix((seed + Math.imul(b | 0, 0x7feb352d)) | 0));
}

/** 32 bits from a text (FNV-1a, then mixed). */
export function hashText(seed: number, text: string): number {
  let h = (0x811c9dc5 ^ seed) | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h);
}

export interface Random {
  /** [0, 1) */
  fraction(): number;
  /** 0 … below − 1 */
  below(below: number): number;
  pick<T>(values: readonly T[]): T;
  chance(rate: number): boolean;
}

/** A sequence; the same seed gives the same sequence. */
export function createRandom(seed: number): Random {
  let position = 0;
  const next = () => hash(seed, position++, 0x51ed);
  return {
    fraction: () => next() / 4294967296,
    below: (below) => Math.floor((next() / 4294967296) * below),
    pick<T>(values: readonly T[]): T {
      if (values.length === 0) throw new Error('pick: no values to pick from');
      return values[next() % values.length] as T;
    },
    chance: (rate) => rate > 0 && next() / 4294967296 < rate,
  };
}
