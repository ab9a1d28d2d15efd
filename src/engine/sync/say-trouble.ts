import type { App } from '../app.ts';
import type { Ports } from '../ports.ts';

const SAID_EVERY_MS = 30_000;
const saidAt = new WeakMap<App, number>();

/** What is tried again is no failure yet; whoever waits meanwhile hears why, now and then. */
export function sayTrouble(ports: Ports, app: App, message: string): void {
  const now = ports.monotonic();
  if (now - (saidAt.get(app) ?? Number.NEGATIVE_INFINITY) < SAID_EVERY_MS) return;
  saidAt.set(app, now);
  ports.log('warn', `${app.key}: ${message}; trying again`);
}
