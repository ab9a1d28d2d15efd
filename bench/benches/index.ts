import type { Bench } from '../harness/bench.ts';
import { apps } from './apps.ts';
import { backfill } from './backfill.ts';
import { budget } from './budget.ts';
import { cpu } from './cpu.ts';
import { edge } from './edge.ts';
import { latency } from './latency.ts';
import { pglite } from './pglite.ts';
import { processes } from './processes.ts';
import { proofs } from './proofs.ts';
import { resync } from './resync.ts';
import { scale } from './scale.ts';
import { soak } from './soak.ts';
import { views } from './views.ts';
import { webhooks } from './webhooks.ts';

/** In the order of the documentation. */
export const benches: readonly Bench[] = [
  backfill,
  latency,
  budget,
  processes,
  proofs,
  resync,
  scale,
  cpu,
  edge,
  pglite,
  webhooks,
  soak,
  apps,
  views,
];
