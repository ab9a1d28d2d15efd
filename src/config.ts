import type { z } from 'zod';
import type { ConfigInput, ConnectorReference } from './config-input.ts';
import { findMistakes } from './config-mistakes.ts';
import { type appSchema, configSchema } from './config-schema.ts';
import { ConfigError } from './errors.ts';
import type { Connector } from './kit/connector.ts';
import { getConnector } from './kit/define-connector.ts';
import { chooseResources, withoutUnwanted } from './kit/resource.ts';

export type { AppInput, ConfigInput } from './config-input.ts';
export { APP_KEY } from './config-schema.ts';

/** What the engine reads: checked, with defaults, dates as Date. */
export interface Config extends Omit<z.output<typeof configSchema>, 'apps'> {
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
 * path and what to write instead. The connectors' modules must have been imported before.
 */
export function defineConfig<const References extends readonly ConnectorReference[]>(
  input: ConfigInput<References>,
): Config {
  return parseConfig(input);
}

/** `defineConfig` for what is known at run time only: a file in JSON, a form. */
export function parseConfig(input: unknown): Config {
  const mistakes = findMistakes(input);
  if (mistakes.length > 0) throw new ConfigError('the configuration has mistakes:', mistakes);
  const config = configSchema.parse(input);
  return { ...config, apps: config.apps.map((app) => completeApp(app, config.sync_from)) };
}

function completeApp(app: z.output<typeof appSchema>, globalSyncFrom: Date | undefined): AppConfig {
  const connector = typeof app.connector === 'string' ? getConnector(app.connector) : app.connector;
  const { api_key_env, webhook_secret_env, base_url, sync_resources, ...settings } = app.config;
  const resources = chooseResources(connector.resources, sync_resources);
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
    history: app.history === true ? resources : app.history === false ? [] : app.history,
    settings: connector.settings.parse(settings),
    syncFromSeconds: from === undefined ? undefined : Math.floor(from.getTime() / 1000),
  };
}

/** The connector as this app uses it: what nobody wants is not asked for. */
function withWanted(connector: Connector, wanted: ReadonlySet<string>): Connector {
  const resources = Object.entries(connector.resources).map(
    ([name, resource]) => [name, withoutUnwanted(resource, wanted)] as const,
  );
  const same = resources.every(([name, resource]) => resource === connector.resources[name]);
  return same ? connector : { ...connector, resources: Object.fromEntries(resources) };
}
