import type { App } from '../app.ts';
import type { Ports } from '../ports.ts';

const SAID_EVERY_MS = 30_000;
const saidAt = new WeakMap<App, Map<string, number>>();

/** What is tried again is no failure yet; whoever waits meanwhile hears why, now and then. */
export function sayTrouble(ports: Ports, app: App, message: string): void {
  if (isNew(ports, app, 'trouble')) ports.log('warn', `${app.key}: ${message}; trying again`);
}

/** Every task that was under way meets the same refusal: it is said once. */
export function sayPause(ports: Ports, app: App, message: string): void {
  if (isNew(ports, app, message)) ports.log('error', `${app.key} is paused: ${message}`);
}

/** Nothing is wrong with the app: this process cannot work for it. */
export function sayUnfit(ports: Ports, app: App, message: string): void {
  if (isNew(ports, app, 'unfit'))
    ports.log('error', `${app.key}: this process cannot work for this app and leaves it to others: ${message}`);
}

function isNew(ports: Ports, app: App, about: string): boolean {
  const said = saidAt.get(app) ?? new Map<string, number>();
  saidAt.set(app, said);
  const now = ports.monotonic();
  if (now - (said.get(about) ?? Number.NEGATIVE_INFINITY) < SAID_EVERY_MS) return false;
  said.set(about, now);
  return true;
}
