import { Cron } from 'croner';
import { z } from 'zod';
import type { Consumer } from './engine/feed/define-consumer.ts';
import { ConfigError } from './errors.ts';
import type { Connector } from './kit/connector.ts';
import { connectorNames, findConnector } from './kit/define-connector.ts';
import { withoutUnwanted } from './kit/resource.ts';

/** The same rule wherever an app is named: in the config, in URLs, in SQL. */
export const APP_KEY = /^[a-z0-9_-]{1,64}$/;
const ENV_NAME = /^[A-Z][A-Z0-9_]*$/;

const envName = z
  .string()
  .regex(
    ENV_NAME,
    'must be the NAME of an environment variable (like ACME_API_KEY), not a secret itself; put the secret in .env',
  );

const syncFrom = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date(), z.date()],
    'must be an ISO 8601 date ("2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00") or a Date',
  )
  .transform((value) => new Date(value))
  .refine((date) => !Number.isNaN(date.getTime()), 'is no valid date');

const cron = z.string().refine((pattern) => {
  try {
    new Cron(pattern, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}, 'must be a cron expression of 5 fields ("*/5 * * * *" is every five minutes)');

const appSchema = z.strictObject({
  app_key: z.string().regex(APP_KEY, 'must match ^[a-z0-9_-]{1,64}$'),
  name: z.string().min(1).optional(),
  connector: z.string().min(1),
  config: z
    .looseObject({
      api_key_env: envName.optional(),
      webhook_secret_env: z.union([envName, z.array(envName).min(1)]).optional(),
      base_url: z.url({ protocol: /^https?$/ }).optional(),
      sync_resources: z.array(z.string()).min(1).optional(),
    })
    .prefault({}),
  sync_from: syncFrom.optional(),
  on_delete: z.enum(['tombstone', 'purge']).default('tombstone'),
  feed: z.enum(['all', 'live']).default('all'),
  /** Keeps every version of these resources for good (`true`: of all). */
  history: z.union([z.boolean(), z.array(z.string())]).default(false),
});

const scheduleSchema = z.strictObject({
  app_key: z.string(),
  cron,
  mode: z.enum(['full', 'incremental']).default('incremental'),
  enabled: z.boolean().default(true),
});

const schema = z.strictObject({
  apps: z.array(appSchema).default([]),
  sync_from: syncFrom.optional(),
  schedules: z.array(scheduleSchema).default([]),
  webhook_logging: z
    .strictObject({ enabled: z.boolean().default(true), retention_days: z.number().positive().default(30) })
    .prefault({}),
  consumers: z
    .array(
      z.custom<Consumer>(
        (value) => typeof (value as Consumer | null)?.source?.open === 'function',
        'must be made by defineConsumer({...}) or definePush({...})',
      ),
    )
    .default([]),
  /** How long the change feed remembers. What an active consumer has not read is kept longer, and said. */
  feed: z.strictObject({ retention_days: z.number().positive().default(90) }).prefault({}),
  /** Runs that have ended, with their tasks and passes. */
  runs: z.strictObject({ retention_days: z.number().positive().default(30) }).prefault({}),
  auth: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  sync: z
    .strictObject({
      /** Share of a collection that a pass may delete without a person's word. */
      mass_delete_share: z.number().min(0).max(1).default(0.2),
      mass_delete_floor: z.number().int().min(1).default(50),
    })
    .prefault({}),
});

/** What a person writes. */
export type ConfigInput = z.input<typeof schema>;
/** What the engine reads: checked, with defaults, dates as Date. */
export interface Config extends Omit<z.output<typeof schema>, 'apps'> {
  readonly apps: readonly AppConfig[];
}
export interface AppConfig extends Omit<z.output<typeof appSchema>, 'config' | 'name' | 'connector' | 'history'> {
  readonly name: string;
  readonly connector: Connector;
  readonly apiKeyEnv: string;
  readonly webhookSecretEnvs: readonly string[];
  readonly baseUrl: string;
  /** Names of the resources to mirror, in the connector's order; children included with their parents. */
  readonly resources: readonly string[];
  readonly settings: unknown;
  /** Names of the resources whose versions are kept for good. */
  readonly history: readonly string[];
  /** Seconds since 1970. */
  readonly syncFromSeconds: number | undefined;
}

/**
 * Checks and completes a configuration. All mistakes are collected and thrown as one `ConfigError`, each with its
 * path and how to mend it. The connectors' modules must have been imported before.
 */
export function defineConfig(input: ConfigInput): Config {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    throw new ConfigError(
      'supasaasy.config.ts has mistakes:',
      parsed.error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`),
    );
  }
  const problems: string[] = [];
  const apps = parsed.data.apps.map((app, index) =>
    completeApp(app, parsed.data.sync_from, `apps[${index}]`, problems),
  );
  const keys = parsed.data.apps.map((app) => app.app_key);
  keys.forEach((key, index) => {
    if (keys.indexOf(key) !== index)
      problems.push(`apps[${index}].app_key: "${key}" is used twice; every app needs a key of its own`);
  });
  parsed.data.schedules.forEach((schedule, index) => {
    if (!keys.includes(schedule.app_key))
      problems.push(
        `schedules[${index}].app_key: there is no app "${schedule.app_key}" (apps: ${keys.join(', ') || 'none'})`,
      );
  });
  const consumers = parsed.data.consumers.map((consumer) => consumer.name);
  consumers.forEach((name, index) => {
    if (consumers.indexOf(name) !== index)
      problems.push(`consumers[${index}].name: "${name}" is used twice; every consumer needs a name of its own`);
  });
  if (problems.length > 0) throw new ConfigError('supasaasy.config.ts has mistakes:', problems);
  return { ...parsed.data, apps: apps.filter((app): app is AppConfig => app !== undefined) };
}

function completeApp(
  app: z.output<typeof appSchema>,
  globalSyncFrom: Date | undefined,
  path: string,
  problems: string[],
): AppConfig | undefined {
  const connector = findConnector(app.connector);
  if (connector === undefined) {
    problems.push(
      `${path}.connector: unknown connector "${app.connector}"; import its module in supasaasy.config.ts (imported: ${connectorNames().join(', ') || 'none'})`,
    );
    return undefined;
  }
  const { api_key_env, webhook_secret_env, base_url, sync_resources, ...others } = app.config;
  const { literal, rest } = separateSecrets(others);
  for (const name of literal)
    problems.push(
      `${path}.config.${name}: a secret has no place in this file; put it into .env and name its variable: ${name}_env: '${app.app_key.toUpperCase().replaceAll('-', '_')}_${name.toUpperCase()}'`,
    );
  const settings = connector.settings.safeParse(rest);
  if (!settings.success) {
    for (const issue of settings.error.issues)
      problems.push(`${path}.config${pathOf(issue.path, '.')}: ${issue.message}`);
  }
  for (const [index, name] of (sync_resources ?? []).entries()) {
    if (connector.resources[name] === undefined) {
      problems.push(
        `${path}.config.sync_resources[${index}]: ${app.connector} has no resource "${name}" (it has: ${Object.keys(connector.resources).join(', ')})`,
      );
    }
  }
  const resources = withChildren(connector, sync_resources);
  const history = app.history === true ? resources : app.history === false ? [] : app.history;
  history.forEach((name, index) => {
    if (!resources.includes(name))
      problems.push(
        `${path}.history[${index}]: ${app.app_key} syncs no resource "${name}" (it syncs: ${resources.join(', ')})`,
      );
  });
  const upper = app.app_key.toUpperCase().replaceAll('-', '_');
  const from = app.sync_from ?? globalSyncFrom;
  return {
    ...app,
    name: app.name ?? app.app_key,
    connector: withWanted(connector, new Set(resources)),
    apiKeyEnv: api_key_env ?? `${upper}_API_KEY`,
    webhookSecretEnvs: webhook_secret_env === undefined ? [`${upper}_WEBHOOK_SECRET`] : [webhook_secret_env].flat(),
    baseUrl: (base_url ?? connector.metadata.baseUrl).replace(/\/+$/, ''),
    resources,
    history,
    settings: settings.success ? settings.data : {},
    syncFromSeconds: from === undefined ? undefined : Math.floor(from.getTime() / 1000),
  };
}

/** Settings that hold a secret itself, instead of naming its variable. */
function separateSecrets(settings: Readonly<Record<string, unknown>>) {
  const literal = Object.keys(settings).filter((name) =>
    /^(api_key|webhook_secret|access_token|client_secret|token|secret)$/.test(name),
  );
  return { literal, rest: Object.fromEntries(Object.entries(settings).filter(([name]) => !literal.includes(name))) };
}

/** The connector as this app uses it: what nobody wants is not asked for. */
function withWanted(connector: Connector, wanted: ReadonlySet<string>): Connector {
  const resources = Object.entries(connector.resources).map(
    ([name, resource]) => [name, withoutUnwanted(resource, wanted)] as const,
  );
  const same = resources.every(([name, resource]) => resource === connector.resources[name]);
  return same ? connector : { ...connector, resources: Object.fromEntries(resources) };
}

/** A wanted child brings the parent that it comes with; a wanted parent does not force its children. */
function withChildren(connector: Connector, wanted: readonly string[] | undefined): string[] {
  const all = Object.keys(connector.resources);
  if (wanted === undefined) return all;
  const chosen = new Set(wanted);
  for (const resource of Object.values(connector.resources)) {
    if (resource.children?.some((child) => chosen.has(child.resource)) === true) chosen.add(resource.name);
  }
  return all.filter((name) => chosen.has(name));
}

function pathOf(path: readonly PropertyKey[], prefix = ''): string {
  const text = path.reduce<string>(
    (out, step) => out + (typeof step === 'number' ? `[${step}]` : `${out === '' ? '' : '.'}${String(step)}`),
    '',
  );
  return text === '' ? prefix.replace('.', '') || '(root)' : prefix + text;
}
