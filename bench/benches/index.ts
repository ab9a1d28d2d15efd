import type { Bench } from '../harness/bench.ts';
import { backfill } from './backfill.ts';
import { latency } from './latency.ts';
import { resync } from './resync.ts';
import { scale } from './scale.ts';

/** In the order of the documentation. */
export const benches: readonly Bench[] = [backfill, latency, resync, scale];
