import { Cron } from 'croner';
import { z } from 'zod';
import type { Consumer } from './engine/feed/define-consumer.ts';
import { hasCredentials } from './engine/shown-url.ts';
import type { Connector } from './kit/connector.ts';

/** The same rule wherever an app is named: in the config, in URLs, in SQL. */
export const APP_KEY = /^[a-z0-9_-]{1,64}$/;
const ENV_NAME = /^[A-Z][A-Z0-9_]*$/;

/** An object of these fields and no others: a typing error is told, with what there is. */
function fieldsOf<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `there is no field ${issue.keys.map((key) => `"${key}"`).join(', ')} (there are: ${Object.keys(shape).join(', ')})`
        : undefined,
  });
}

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

/** What every app may set in `config`; the rest is its connector's. */
const commonConfig = {
  api_key_env: envName.optional(),
  webhook_secret_env: z
    .union([envName, z.array(envName).min(1)], 'must be the NAME of an environment variable, or a list of such names')
    .optional(),
  base_url: z
    .url({ protocol: /^https?$/, error: 'must be an origin like "https://api.example.com"' })
    .refine(
      (url) => !hasCredentials(url),
      'has a user or a password in it: leave them out; the key is sent in a header',
    )
    .refine((url) => !/[?#]/.test(url), 'must be an origin like "https://api.example.com", without "?" and "#"')
    .optional(),
  sync_resources: z.array(z.string()).min(1).optional(),
};

export const COMMON_KEYS: readonly string[] = Object.keys(commonConfig);

/** A connector, as the imported object or by the name under which its module registered it. */
export const connectorSchema = z.custom<string | Connector>(
  (value) => (typeof value === 'string' ? value !== '' : isConnector(value)),
  'must be a connector: import it (import { acme } from "…") and write connector: acme, or its name',
);

function isConnector(value: unknown): boolean {
  const shape = z.looseObject({ metadata: z.looseObject({ name: z.string() }), resources: z.looseObject({}) });
  return shape.safeParse(value).success;
}

export const appSchema = fieldsOf({
  app_key: z.string().regex(APP_KEY, 'must match ^[a-z0-9_-]{1,64}$'),
  name: z.string().min(1).optional(),
  connector: connectorSchema,
  config: z.looseObject(commonConfig).prefault({}),
  sync_from: syncFrom.optional(),
  on_delete: z.enum(['tombstone', 'purge']).default('tombstone'),
  feed: z.enum(['all', 'live']).default('all'),
  /** Keeps every version of these resources for good (`true`: of all). */
  history: z
    .union([z.boolean(), z.array(z.string())], 'must be true (all resources), false, or a list of resources')
    .default(false),
});

const scheduleSchema = fieldsOf({
  app_key: z.string(),
  cron,
  mode: z.enum(['full', 'incremental']).default('incremental'),
  enabled: z.boolean().default(true),
});

export const configSchema = fieldsOf({
  /** Under which name this configuration declares its apps and schedules, where several work on one database. */
  deployment: z
    .string()
    .regex(APP_KEY, 'must match ^[a-z0-9_-]{1,64}$')
    .refine((name) => name !== 'before-deployments', 'is the name of what was declared before deployments had names')
    .optional(),
  apps: z.array(appSchema).default([]),
  sync_from: syncFrom.optional(),
  schedules: z.array(scheduleSchema).default([]),
  webhook_logging: fieldsOf({
    enabled: z.boolean().default(true),
    retention_days: z.number().positive().default(30),
  }).prefault({}),
  consumers: z
    .array(
      z.custom<Consumer>(
        (value) => typeof (value as Consumer | null)?.source?.open === 'function',
        'must be made by defineConsumer({...}) or definePush({...})',
      ),
    )
    .default([]),
  /** How long the change feed remembers. What an active consumer has not read is kept longer, and said. */
  feed: fieldsOf({ retention_days: z.number().positive().default(90) }).prefault({}),
  /** Runs that have ended, with their tasks and passes. */
  runs: fieldsOf({ retention_days: z.number().positive().default(30) }).prefault({}),
  auth: fieldsOf({ enabled: z.boolean().default(true) }).prefault({}),
  sync: fieldsOf({
    /** Share of a collection that a pass may delete without a person's word. */
    mass_delete_share: z.number().min(0).max(1).default(0.2),
    mass_delete_floor: z.number().int().min(1).default(50),
  }).prefault({}),
});
