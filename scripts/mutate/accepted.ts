import { readFile } from 'node:fs/promises';

/** A mutant that may survive, and why no test can or should kill it. */
export interface Accepted {
  readonly id: string;
  readonly file: string;
  readonly mutator: string;
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

export const ACCEPTED_FILE = new URL('./accepted.json', import.meta.url);

export async function readAccepted(): Promise<Map<string, Accepted>> {
  const list = JSON.parse(await readFile(ACCEPTED_FILE, 'utf8')) as Accepted[];
  return new Map(list.map((one) => [one.id, one]));
}
