import type { ConsumerDeclaration } from '../../src/engine/feed/feed-store.ts';

/** A consumer that reads from the start and gives nothing up. */
export function reader(changed: Partial<ConsumerDeclaration> = {}): ConsumerDeclaration {
  return {
    name: 'reader',
    kind: 'changes',
    parallel: 1,
    max_attempts: 10_000,
    backoff_ms: 1,
    on_dead: 'skip',
    consume_lag_ms: 0,
    lag_alert_ms: 1e9,
    lease_ms: 30_000,
    thin: false,
    start: 'start',
    ...changed,
  };
}
