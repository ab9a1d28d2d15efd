import { VERSION } from '../../version.ts';
import type { Engine } from '../engine.ts';
import type { ProcessKind } from './fleet.ts';

/** A process that has not beaten for four of these is dead. */
export const BEAT_EVERY_MS = 15_000;

interface Pulse {
  readonly key: string;
  readonly kind: ProcessKind;
  beatenAt: number;
}

const pulses = new WeakMap<Engine, Pulse>();

/**
 * Tells the database that this process lives, and what it works on: at most once in 15 seconds, however often it is
 * called. The first call decides what the process is for.
 */
export async function beat(engine: Engine, kind: ProcessKind): Promise<void> {
  const { ports, process, fitness, context, deployment } = engine;
  const now = ports.monotonic();
  const pulse = pulses.get(engine) ?? { key: keyOf(engine, kind), kind, beatenAt: Number.NEGATIVE_INFINITY };
  pulses.set(engine, pulse);
  if (now - pulse.beatenAt < BEAT_EVERY_MS) return;
  pulse.beatenAt = now;
  const fit = [...fitness.fit().keys()];
  const unfit = [...engine.apps.values()].flatMap((app): [string, string][] => {
    const reason = fitness.reasonAgainst(app);
    return reason === undefined ? [] : [[app.key, reason]];
  });
  await engine.store.beat({
    key: pulse.key,
    kind: pulse.kind,
    host: process.host,
    pid: process.pid ?? null,
    version: VERSION,
    deployment,
    apps: fit,
    unfit: Object.fromEntries(unfit),
    works_on: Object.fromEntries(context.underWay),
  });
}

/** Beats until the signal aborts, then takes the process off the list. A database that is away is no reason to end. */
export async function keepBeating(engine: Engine, kind: ProcessKind, signal: AbortSignal): Promise<void> {
  const { ports } = engine;
  while (!signal.aborted) {
    await beat(engine, kind).catch(() => {});
    await ports.sleep(BEAT_EVERY_MS, signal);
  }
  const pulse = pulses.get(engine);
  pulses.delete(engine);
  if (pulse !== undefined) await engine.store.endProcess(pulse.key).catch(() => {});
}

/** Beats while the work lasts. */
export async function whileBeating<T>(engine: Engine, kind: ProcessKind, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const beating = keepBeating(engine, kind, over.signal);
  try {
    return await work();
  } finally {
    over.abort();
    await beating;
  }
}

/** A process id comes again; the moment of its start does not. */
function keyOf({ process: { host, pid }, ports }: Engine, kind: ProcessKind): string {
  return pid === undefined ? `${kind}/${host}` : `${kind}/${host}/${pid}/${Math.round(ports.now())}`;
}
