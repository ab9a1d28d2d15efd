import { describeError, NotFoundError, PermissionError, WrongAccountError } from '../errors.ts';
import type { ProviderRequest } from '../kit/resource.ts';
import type { App } from './app.ts';
import type { Ports } from './ports.ts';
import type { Store } from './store.ts';
import type { Answer } from './sync/ask.ts';

/** Sends one request of the app. */
export type Ask = (request: ProviderRequest) => Promise<Answer>;

/** Keeps another account's objects out of a mirror: asks whose key it is before any answer to it is used. */
export interface AccountGuard {
  /**
   * Resolves when the key is that of the account which the app mirrors; the first one is remembered. A provider that
   * does not tell lets pass. Throws `WrongAccountError`.
   */
  pass(app: App, request: Ask): Promise<void>;
  /** The same, asked now; writes nothing. `shown` is undefined where the provider does not tell. */
  look(app: App, request: Ask): Promise<{ readonly shown: string | undefined; readonly known: string | null }>;
  /**
   * The account that the app mirrors. Asks and records it where none is known yet; null where the provider does not
   * say. Throws what the request throws.
   */
  recorded(app: App, request: Ask): Promise<string | null>;
}

/** A key does not change its account, but a person may give the app another one while this process lives. */
const TRUSTED_FOR_MS = 600_000;

export function createAccountGuard(store: Store, ports: Ports): AccountGuard {
  const passed = new Map<string, { readonly key: string; readonly until: number; readonly asked: Promise<void> }>();

  async function check(app: App, request: Ask): Promise<void> {
    const shown = await whose(app, request);
    if (shown === undefined) {
      ports.log(
        'warn',
        `${app.key}: ${app.config.connector.metadata.title} does not tell which account the key in ${app.config.apiKeyEnv} belongs to: another account's key would not be noticed`,
      );
      return;
    }
    assertSame(app, shown, await store.rememberAccount(app.key, shown));
  }

  const guard: AccountGuard = {
    async pass(app, request) {
      if (app.config.connector.identity === undefined) return;
      const { apiKey } = app.account();
      const known = passed.get(app.key);
      if (known?.key === apiKey && ports.monotonic() < known.until) return await known.asked;
      const asked = check(app, request);
      passed.set(app.key, { key: apiKey, until: ports.monotonic() + TRUSTED_FOR_MS, asked });
      // What failed is asked again: by the next request, not by those that wait for this one.
      asked.catch(() => passed.get(app.key)?.asked === asked && passed.delete(app.key));
      await asked;
    },
    async look(app, request) {
      return { shown: await whose(app, request), known: await store.accountOf(app.key) };
    },
    async recorded(app, request) {
      const known = await store.accountOf(app.key);
      if (known !== null || app.config.connector.identity === undefined) return known;
      await guard.pass(app, request);
      return await store.accountOf(app.key);
    },
  };
  return guard;
}

/** Throws `WrongAccountError` where the key's account is not the one that the app mirrors. */
export function assertSame({ key, config }: App, shown: string | undefined, known: string | null): void {
  if (shown === undefined || known === null || shown === known) return;
  throw new WrongAccountError(
    `the key in ${config.apiKeyEnv} belongs to ${shown}, but ${key} mirrors ${known}: nothing was stored. Put the key of ${known} back, or give ${shown} an app of its own (another app_key). If ${key} is to mirror ${shown} from now on: supasaasy resume ${key} --accept-account`,
  );
}

async function whose(app: App, request: Ask): Promise<string | undefined> {
  const { identity } = app.config.connector;
  if (identity === undefined) return undefined;
  try {
    return identity.read((await request(identity.request)).body, app.account());
  } catch (error) {
    // A key that may not ask: the refusal may tell.
    if (error instanceof PermissionError || error instanceof NotFoundError)
      return identity.read(describeError(error), app.account());
    throw error;
  }
}
