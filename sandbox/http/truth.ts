import { createHash } from 'node:crypto';
import type { SandboxProvider } from './provider.ts';

export interface Truth {
  readonly count: number;
  /** Sum modulo 2^64 of the first eight bytes of md5(id), in hex: independent of order, easy to repeat in SQL. */
  readonly digest: string;
}

export function truthOf(provider: SandboxProvider, resource: string): Truth {
  let count = 0;
  let sum = 0n;
  for (const id of idsOf(provider, resource)) {
    count++;
    sum += createHash('md5').update(id).digest().readBigUInt64BE(0);
  }
  return { count, digest: digestText(sum) };
}

/** The same digest over any ids, for comparison. */
export function digestOfIds(ids: Iterable<string>): string {
  let sum = 0n;
  for (const id of ids) sum += createHash('md5').update(id).digest().readBigUInt64BE(0);
  return digestText(sum);
}

export function* idsOf(provider: SandboxProvider, resource: string): Iterable<string> {
  if (provider.ids) yield* provider.ids(resource);
  else for (const object of provider.objects(resource)) yield object.id;
}

function digestText(sum: bigint): string {
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
}
