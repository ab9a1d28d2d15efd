import type { App } from '../app.ts';

const FEWEST_SLOTS = 8;
const MOST_SLOTS = 32;

/** More tasks than requests at a time would only wait at the gate; an app without its key has none to send. */
export function slotsFor(apps: ReadonlyMap<string, App>): number {
  const able = [...apps.values()].filter((app) => app.unusableKey() === undefined);
  const requests = able.map((app) => app.config.connector.limits.concurrency(app.account()));
  return Math.min(MOST_SLOTS, Math.max(FEWEST_SLOTS, ...requests));
}
