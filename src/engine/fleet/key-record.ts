import { hmacHex } from '../../kit/hmac.ts';
import type { App } from '../app.ts';
import type { Ports } from '../ports.ts';
import type { Store } from '../store.ts';

/** Remembers in the database which key of an app worked last, as a salted fingerprint (docs/decisions/0010). */
export interface KeyRecord {
  /** The provider answered a request with the app's key. Written once in a while; fails silently and is tried again. */
  worked(app: App): Promise<void>;
  /** The provider refuses the app's key. True: the app is paused. False: another key works, so this process is at fault. */
  refused(app: App, reason: string): Promise<boolean>;
}

const WRITTEN_EVERY_MS = 600_000;

export function createKeyRecord(store: Store, ports: Pick<Ports, 'monotonic'>): KeyRecord {
  const salts = new Map<string, string>();
  const written = new Map<string, { readonly apiKey: string; readonly until: number }>();

  async function fingerprintOf(app: App): Promise<string> {
    const salt = salts.get(app.key) ?? (await store.keySalt(app.key));
    salts.set(app.key, salt);
    return (await hmacHex('SHA-256', salt, new TextEncoder().encode(app.account().apiKey))).slice(0, 32);
  }

  return {
    async worked(app) {
      const { apiKey } = app.account();
      const known = written.get(app.key);
      if (known?.apiKey === apiKey && ports.monotonic() < known.until) return;
      // Before it is awaited: of many requests under way one writes.
      written.set(app.key, { apiKey, until: ports.monotonic() + WRITTEN_EVERY_MS });
      try {
        await store.keyWorked(app.key, await fingerprintOf(app));
      } catch {
        written.delete(app.key);
      }
    },
    async refused(app, reason) {
      written.delete(app.key);
      return await store.refuseKey(app.key, await fingerprintOf(app), reason);
    },
  };
}
