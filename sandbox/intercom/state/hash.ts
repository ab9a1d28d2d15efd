/** Stateless pseudo-randomness: any attribute of any object can be computed from its index alone. */
export function hash32(seed: number, salt: number, index: number): number {
  let h = (seed ^ Math.imul(salt + 1, 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ index, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 16)) + index, 0x27d4eb2f);
  return (h ^ (h >>> 15)) >>> 0;
}

const ODD = 0x9e3779b1;
const INVERSE = inverseOf(ODD);

/** A permutation of the 32-bit numbers, so that ids don't sort like creation order and can be undone. */
export function scramble32(index: number, seed: number): number {
  const x = Math.imul((index ^ seed) >>> 0, ODD);
  return (x ^ (x >>> 16)) >>> 0;
}

export function unscramble32(value: number, seed: number): number {
  const x = Math.imul((value ^ (value >>> 16)) >>> 0, INVERSE);
  return (x ^ seed) >>> 0;
}

export function hex(value: number, digits: number): string {
  const all = (value >>> 0).toString(16).padStart(8, '0');
  return digits === 8 ? all : all.slice(-digits).padStart(digits, '0');
}

function inverseOf(odd: number): number {
  let inverse = odd;
  // Newton's iteration doubles the number of correct low bits each time: 3, 6, 12, 24, 48.
  for (let i = 0; i < 4; i += 1) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse));
  return inverse;
}
