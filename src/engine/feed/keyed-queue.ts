import { LeaseLostError } from '../../errors.ts';
import { backoffMs } from './backoff.ts';
import type { AckResult, Batch, Change, Lag, NackResult } from './change.ts';
import type { ConsumerSettings, SourceContext } from './source.ts';

interface Entity {
  /** In order; the first is the oldest. */
  waiting: Change[];
  attempts: number;
  notBefore: number;
  blocked: boolean;
  token: number | undefined;
}

interface Lease {
  until: number;
  readonly out: Map<number, Change>;
}

/** What was given up. */
export interface QueueDeadLetter {
  readonly change: Change;
  readonly error: string;
  readonly attempts: number;
}

/** Leases, order per entity, retries and dead letters, in this process: what the database does for its own sources. */
export interface KeyedQueue {
  readonly deadLetters: QueueDeadLetter[];
  configure(settings: ConsumerSettings): void;
  add(change: Change): void;
  recv(limit: number): Batch;
  ack(token: number, changes: readonly Change[]): AckResult;
  nack(
    token: number,
    change: Change,
    failure: { readonly error: string; readonly delayMs?: number; readonly dead?: boolean },
  ): NackResult;
  extend(token: number, leaseMs?: number): void;
  release(token: number): void;
  lag(): Lag;
  clear(): void;
}

/** Settled changes that an acknowledgement may still come for a second time. */
const REMEMBERED = 10_000;

export function createKeyedQueue(
  context: SourceContext,
  /** Told once for every change that will not come again. */
  onSettled: (change: Change, dead: boolean) => void = () => {},
): KeyedQueue {
  const { ports } = context;
  let { settings } = context;
  const entities = new Map<string, Entity>();
  const leases = new Map<number, Lease>();
  const settled = new Set<number>();
  const deadLetters: QueueDeadLetter[] = [];
  let tokens = 0;
  let failingSince: number | undefined;

  function expire(): void {
    for (const [token, lease] of leases) {
      if (lease.until > ports.now()) continue;
      // Whoever had it is silent: that counts as an attempt of the first of each entity.
      for (const entity of entities.values()) {
        if (entity.token !== token) continue;
        entity.attempts += 1;
        const first = entity.waiting[0];
        if (entity.attempts >= settings.maxAttempts && first !== undefined)
          bury(entity, first, `it was handed out ${entity.attempts} times and nobody answered`);
      }
      drop(token);
    }
  }

  function drop(token: number): void {
    leases.delete(token);
    for (const entity of entities.values()) if (entity.token === token) entity.token = undefined;
  }

  function lease(token: number): Lease {
    expire();
    const found = leases.get(token);
    if (found === undefined) throw new LeaseLostError(`these changes of "${settings.name}" are no longer yours`);
    return found;
  }

  function settle(change: Change, dead: boolean): void {
    settled.add(change.seq);
    if (settled.size > REMEMBERED) settled.delete(settled.values().next().value ?? 0);
    const entity = entities.get(change.foreign_id);
    if (entity === undefined) return;
    entity.waiting = entity.waiting.filter((waiting) => waiting.seq !== change.seq);
    if (entity.waiting.length === 0) entities.delete(change.foreign_id);
    onSettled(change, dead);
  }

  function bury(entity: Entity, change: Change, error: string): void {
    deadLetters.push({ change, error, attempts: entity.attempts });
    if (settings.onDead === 'block') {
      entity.blocked = true;
      entity.token = undefined;
      return;
    }
    entity.attempts = 0;
    entity.notBefore = 0;
    settle(change, true);
  }

  return {
    deadLetters,
    configure(next) {
      settings = next;
    },
    add(change) {
      settled.delete(change.seq);
      const entity = entities.get(change.foreign_id) ?? {
        waiting: [],
        attempts: 0,
        notBefore: 0,
        blocked: false,
        token: undefined,
      };
      entities.set(change.foreign_id, entity);
      if (!entity.waiting.some((waiting) => waiting.seq === change.seq)) {
        entity.waiting.push(change);
        entity.waiting.sort((a, b) => a.seq - b.seq);
      }
    },
    recv(limit) {
      expire();
      if (leases.size >= settings.parallel) return { token: null, changes: [], wait_ms: null, busy: true };
      const ripe = ports.now() - settings.consumeLag;
      let next = Number.POSITIVE_INFINITY;
      const free: Change[] = [];
      for (const entity of entities.values()) {
        if (entity.blocked || entity.token !== undefined) continue;
        if (entity.notBefore > ports.now()) {
          next = Math.min(next, entity.notBefore);
          continue;
        }
        for (const change of entity.waiting) {
          const at = Date.parse(change.created_at);
          if (at > ripe) {
            next = Math.min(next, at + settings.consumeLag);
            break;
          }
          free.push(change);
        }
      }
      const taken = free.sort((a, b) => a.seq - b.seq).slice(0, limit);
      if (taken.length === 0)
        return {
          token: null,
          changes: [],
          wait_ms: next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - ports.now()),
        };
      tokens += 1;
      leases.set(tokens, {
        until: ports.now() + settings.lease,
        out: new Map(taken.map((change) => [change.seq, change])),
      });
      const changes = taken.map((change) => {
        const entity = entities.get(change.foreign_id);
        if (entity !== undefined) entity.token = tokens;
        const first = entity?.waiting[0]?.seq === change.seq;
        return { ...change, attempt: first ? (entity?.attempts ?? 0) + 1 : 1 };
      });
      return { token: tokens, changes, lease_ms: settings.lease, wait_ms: 0 };
    },
    ack(token, changes) {
      if (!leases.has(token) && changes.every((change) => settled.has(change.seq)))
        return { acked: 0, repeated: changes.length, lost: 0 };
      const { out } = lease(token);
      let acked = 0;
      for (const change of changes) {
        if (!out.delete(change.seq)) continue;
        acked += 1;
        const entity = entities.get(change.foreign_id);
        if (entity !== undefined) entity.attempts = 0;
        settle(change, false);
      }
      if (acked > 0) failingSince = undefined;
      if (out.size === 0) drop(token);
      return { acked, repeated: changes.length - acked, lost: 0 };
    },
    nack(token, change, failure) {
      const { out } = lease(token);
      const entity = entities.get(change.foreign_id);
      if (!out.has(change.seq) || entity === undefined) return { state: 'settled' };
      for (const waiting of entity.waiting) out.delete(waiting.seq);
      if (out.size === 0) leases.delete(token);
      entity.token = undefined;
      entity.attempts += 1;
      const { attempts } = entity;
      failingSince ??= ports.now();
      const failing_ms = ports.now() - failingSince;
      if (failure.dead === true || attempts >= settings.maxAttempts) {
        bury(entity, change, failure.error);
        return { state: 'dead', attempts, failing_ms };
      }
      const delay_ms = failure.delayMs ?? backoffMs(settings.errBackOff, attempts, ports.random);
      entity.notBefore = ports.now() + delay_ms;
      return { state: 'waiting', attempts, delay_ms, failing_ms };
    },
    extend(token, leaseMs) {
      lease(token).until = ports.now() + (leaseMs ?? settings.lease);
    },
    release: drop,
    lag() {
      const all = [...entities.values()].filter((entity) => !entity.blocked).flatMap((entity) => entity.waiting);
      const oldest = Math.min(...all.map((change) => Date.parse(change.created_at)));
      return {
        changes: all.length,
        more: false,
        seconds: all.length === 0 ? 0 : Math.max(0, ports.now() - oldest) / 1000,
      };
    },
    clear() {
      entities.clear();
      leases.clear();
      settled.clear();
    },
  };
}
