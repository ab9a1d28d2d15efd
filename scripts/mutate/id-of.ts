import { createHash } from 'node:crypto';

/** Names a mutant by what it changes, not by where: it keeps its name when lines above it change. */
export function idOf(
  seen: Map<string, number>,
  file: string,
  mutator: string,
  original: string,
  replacement: string,
): string {
  const key = JSON.stringify([file, mutator, original, replacement]);
  const count = (seen.get(key) ?? 0) + 1;
  seen.set(key, count);
  return createHash('sha256').update(`${key} ${count}`).digest('hex').slice(0, 12);
}
