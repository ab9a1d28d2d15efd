import type { AppConfig, Config } from '../config.ts';
import { ConfigError, MissingSecretError } from '../errors.ts';
import type { AppAccount } from '../kit/connector.ts';
import { type SqlSpec, toSqlSpec } from '../kit/resource.ts';

/** Environment variables, however the platform provides them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configured app with its secrets within reach and its descriptions compiled. */
export interface App {
  readonly key: string;
  readonly config: AppConfig;
  /** Throws `MissingSecretError` when the key's variable is not set. */
  account(): AppAccount;
  /** Those of the webhook secrets that are set. */
  webhookSecrets(): string[];
  /** Names of the secrets that are not set. */
  missingSecrets(): string[];
  spec(resource: string): SqlSpec;
}

/** All configured apps, by key (S4-26). */
export function createApps(config: Config, env: Environment): ReadonlyMap<string, App> {
  return new Map(config.apps.map((app) => [app.app_key, createApp(app, env)]));
}

function createApp(config: AppConfig, env: Environment): App {
  const specs = new Map<string, SqlSpec>();
  const wanted = new Set(config.resources);
  return {
    key: config.app_key,
    config,
    account() {
      const apiKey = env[config.apiKeyEnv];
      if (apiKey === undefined || apiKey === '') {
        throw new MissingSecretError(
          `${config.app_key} needs the environment variable ${config.apiKeyEnv}: put it into .env or the function's secrets`,
        );
      }
      return { appKey: config.app_key, baseUrl: config.baseUrl, apiKey, settings: config.settings };
    },
    webhookSecrets: () =>
      config.webhookSecretEnvs
        .map((name) => env[name])
        .filter((value): value is string => value !== undefined && value !== ''),
    missingSecrets: () => [
      ...[config.apiKeyEnv].filter((name) => !env[name]),
      ...(config.webhookSecretEnvs.some((name) => env[name]) ? [] : config.webhookSecretEnvs),
    ],
    spec(resource) {
      let spec = specs.get(resource);
      if (spec === undefined) {
        const description = config.connector.resources[resource];
        if (description === undefined) {
          throw new ConfigError(
            `${config.app_key}: ${config.connector.metadata.name} has no resource "${resource}" (it has: ${Object.keys(config.connector.resources).join(', ')})`,
          );
        }
        spec = toSqlSpec(description, config.connector.resources, config.connector.metadata.apiVersion, wanted);
        specs.set(resource, spec);
      }
      return spec;
    },
  };
}
