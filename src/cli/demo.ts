import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Environment } from '../engine/app.ts';
import { SupasaasyError } from '../errors.ts';
import { packageFolder } from '../runtime/node/package-folder.ts';

/** An emulated account, as `supasaasy sandbox` tells of it. */
export interface EmulatedAccount {
  readonly name: string;
  readonly url: string;
  readonly api_key: string;
  readonly webhook_secret: string;
  readonly example: string;
}

export interface Demo {
  readonly accounts: readonly EmulatedAccount[];
  /** Objects per resource that the account holds now. */
  counts(account: EmulatedAccount): Promise<Readonly<Record<string, number>>>;
  /** Lets the account change by itself, and deliver its webhooks to `url`. */
  comeAlive(account: EmulatedAccount, url: string, changesPerSecond: number): Promise<void>;
  stop(): void;
}

const START_MS = 30_000;

/**
 * Starts the emulated accounts in a process of their own: they work while we do. They end when we end, however that
 * happens, because the channel between us closes.
 */
export async function startDemo(folder: string): Promise<Demo> {
  const bin = fileURLToPath(new URL('bin/supasaasy.js', packageFolder()));
  // Apart from our terminal's Ctrl-C: deliveries under way still find us when we stop in order.
  const child = fork(bin, ['sandbox', '--port', '0', '--folder', folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  });
  const accounts = await firstMessage(child);
  // Nothing of ours waits for it.
  child.unref();
  child.channel?.unref();
  return {
    accounts,
    async counts(account) {
      return (await control(account, 'counts')) as Record<string, number>;
    },
    async comeAlive(account, url, changesPerSecond) {
      await control(account, 'deliver', { url });
      await control(account, 'live', { per_second: changesPerSecond });
    },
    stop() {
      if (child.connected) child.disconnect();
    },
  };
}

function firstMessage(child: ChildProcess): Promise<readonly EmulatedAccount[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new SupasaasyError(`the emulated accounts did not start: ${why}`));
    const timer = setTimeout(() => fail(`no sign of life within ${START_MS / 1000} s`), START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`they ended with code ${code}`));
    child.once('message', (message) => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve((message as { accounts: EmulatedAccount[] }).accounts);
    });
  });
}

async function control(account: EmulatedAccount, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${account.url}/_sandbox/${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  return await response.json();
}

/** The demo's own: an emulated object never has the key of a real app. */
const demoKeyOf = (connector: string) => `demo_${connector}`;

/**
 * The configuration with one app for each emulated account, under a key of the demo's own, in place of its apps. Without its
 * consumers, which would pass emulated changes on to real systems, and without its databases.
 */
export function withEmulated(
  config: Config,
  env: Environment,
  accounts: readonly EmulatedAccount[],
): { readonly config: Config; readonly env: Environment } {
  const accountOf = (connector: string) => accounts.find((account) => account.name === connector);
  const secrets: Record<string, string | undefined> = { DATABASE_URL: undefined, SUPABASE_DB_URL: undefined };
  const { apps: chosen, ...rest } = withDemoKeys(config);
  const apps = chosen.flatMap((app) => {
    const account = accountOf(app.connector.metadata.name);
    if (account === undefined) return [];
    secrets[app.apiKeyEnv] = account.api_key;
    for (const name of app.webhookSecretEnvs) secrets[name] = account.webhook_secret;
    return [{ ...app, baseUrl: account.url }];
  });
  return { config: keepApps({ ...rest, apps: chosen }, apps), env: { ...env, ...secrets } };
}

/** The first app of each connector under the demo's key, with its schedules. */
export function withDemoKeys(config: Config): Config {
  const first = config.apps.filter(
    (app, i) => config.apps.findIndex((other) => other.connector.metadata.name === app.connector.metadata.name) === i,
  );
  const keys = new Map(first.map((app) => [app.app_key, demoKeyOf(app.connector.metadata.name)]));
  const rename = (key: string) => keys.get(key) ?? key;
  return {
    ...config,
    apps: first.map((app) => ({ ...app, app_key: rename(app.app_key), name: rename(app.app_key) })),
    schedules: config.schedules
      .filter(({ app_key }) => keys.has(app_key))
      .map((schedule) => ({ ...schedule, app_key: rename(schedule.app_key) })),
    consumers: [],
  };
}

/** The configuration with these apps only, and their schedules. */
export function keepApps(config: Config, apps: Config['apps']): Config {
  const keys = apps.map((app) => app.app_key);
  return { ...config, apps, schedules: config.schedules.filter((schedule) => keys.includes(schedule.app_key)) };
}
