import type { AppConfig, Config } from '../config.ts';
import { ConfigError, type MissingSecretError } from '../errors.ts';
import type { AppAccount } from '../kit/connector.ts';
import { type SqlSpec, toSqlSpec } from '../kit/resource.ts';
import { findSecretProblem, readSecret } from './secret-value.ts';

/** Environment variables, however the platform provides them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configured app with its secrets within reach and its descriptions compiled. */
export interface App {
  readonly key: string;
  readonly config: AppConfig;
  /** Throws `MissingSecretError` when the key's variable is not set, or is set to what can be no key. */
  account(): AppAccount;
  /** What `account` throws, as a value. */
  unusableKey(): MissingSecretError | undefined;
  /** Those of the webhook secrets that are set. */
  webhookSecrets(): string[];
  /** Names of the secrets that are not set, or are set to what can be no secret. */
  missingSecrets(): string[];
  /** What is wrong with each of them. */
  secretProblems(): readonly { readonly name: string; readonly message: string }[];
  spec(resource: string): SqlSpec;
}

/** All configured apps, by key (S4-26). */
export function createApps(config: Config, env: Environment): ReadonlyMap<string, App> {
  return new Map(config.apps.map((app) => [app.app_key, createApp(app, env)]));
}

function createApp(config: AppConfig, env: Environment): App {
  const specs = new Map<string, SqlSpec>();
  const wanted = new Set(config.resources);
  // Looked at before each page of each app: judged once for each value.
  const judged = new Map<string, { readonly value: string | undefined; readonly problem?: MissingSecretError }>();
  const problemOf = (name: string): MissingSecretError | undefined => {
    const value = env[name];
    const known = judged.get(name);
    if (known !== undefined && known.value === value) return known.problem;
    const use = name === config.apiKeyEnv ? 'key' : 'signature';
    const problem = findSecretProblem(env, name, config.app_key, use);
    judged.set(name, { value, ...(problem === undefined ? {} : { problem }) });
    return problem;
  };
  const problemsOf = (names: readonly string[]) =>
    names.flatMap((name) => {
      const problem = problemOf(name);
      return problem === undefined ? [] : [{ name, message: problem.message }];
    });
  const secretProblems = () => {
    const webhook = problemsOf(config.webhookSecretEnvs);
    // One that can be used is enough: the others may be those of the next rotation.
    return [...problemsOf([config.apiKeyEnv]), ...(webhook.length < config.webhookSecretEnvs.length ? [] : webhook)];
  };
  return {
    key: config.app_key,
    config,
    account: () => ({
      appKey: config.app_key,
      baseUrl: config.baseUrl,
      apiKey: readSecret(env, config.apiKeyEnv, config.app_key, 'key'),
      settings: config.settings,
    }),
    unusableKey: () => problemOf(config.apiKeyEnv),
    webhookSecrets: () =>
      config.webhookSecretEnvs
        .filter((name) => problemOf(name) === undefined)
        .map((name) => readSecret(env, name, config.app_key, 'signature')),
    missingSecrets: () => secretProblems().map(({ name }) => name),
    secretProblems,
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
