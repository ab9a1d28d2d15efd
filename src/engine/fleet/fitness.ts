import type { App } from '../app.ts';
import type { Ports } from '../ports.ts';

/**
 * Which apps this process can work for. One without a usable key of an app, or with a key that the provider refuses while
 * another one works, claims nothing of that app and leaves it to others.
 */
export interface Fitness {
  /** Why this process asks nothing for the app; undefined when it can. Names the variable, never its value. */
  reasonAgainst(app: App): string | undefined;
  /** The apps that it can work for. */
  fit(): ReadonlyMap<string, App>;
  /** The provider refuses this process's key of the app: unfit until the key changes, or for a while. */
  refuse(app: App, reason: string): void;
}

/** A provider may accept a key again; one request in this time finds out. */
const REFUSED_FOR_MS = 900_000;

export function createFitness(apps: ReadonlyMap<string, App>, ports: Pick<Ports, 'monotonic'>): Fitness {
  const refused = new Map<string, { readonly apiKey: string; readonly reason: string; readonly until: number }>();
  const fitness: Fitness = {
    reasonAgainst(app) {
      const unusable = app.unusableKey();
      if (unusable !== undefined) return unusable.message;
      const known = refused.get(app.key);
      const stands = known !== undefined && ports.monotonic() < known.until && app.account().apiKey === known.apiKey;
      return stands ? known.reason : undefined;
    },
    fit: () => new Map([...apps].filter(([, app]) => fitness.reasonAgainst(app) === undefined)),
    refuse(app, reason) {
      refused.set(app.key, { apiKey: app.account().apiKey, reason, until: ports.monotonic() + REFUSED_FOR_MS });
    },
  };
  return fitness;
}
