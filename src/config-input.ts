import type { z } from 'zod';
import type { appSchema, configSchema } from './config-schema.ts';
import type { Connector, Connectors } from './kit/connector.ts';

type Written = z.input<typeof configSchema>;
type WrittenApp = z.input<typeof appSchema>;
type WrittenConfig = Pick<NonNullable<WrittenApp['config']>, 'api_key_env' | 'webhook_secret_env' | 'base_url'>;

/** A connector, or the name of one whose module is imported. */
export type ConnectorReference = keyof Connectors | Connector;

type ResourceNameOf<Reference> = Reference extends keyof Connectors
  ? ResourceNameOf<Connectors[Reference]>
  : Reference extends Connector<infer _Settings, string, infer ResourceName, infer _Input>
    ? ResourceName
    : never;
type SettingsOf<Reference> = Reference extends keyof Connectors
  ? SettingsOf<Connectors[Reference]>
  : Reference extends Connector<infer _Settings, string, string, infer Input>
    ? Input
    : never;

/** One app. Resource names and settings are those of its connector. */
export type AppInput<Reference = ConnectorReference> = Omit<WrittenApp, 'connector' | 'config' | 'history'> & {
  /** The imported connector (`connector: acme`), or its name (`'acme'`). */
  connector: Reference;
  config?:
    | (WrittenConfig & {
        /** The resources to mirror; all of them unless set. */
        sync_resources?: readonly ResourceNameOf<Reference>[] | undefined;
      } & SettingsOf<Reference>)
    | undefined;
  /** Keeps every version of these resources (`true`: of all). */
  history?: boolean | readonly ResourceNameOf<Reference>[] | undefined;
};

/** What a person writes. `References` are the apps' connectors, in their order. */
export type ConfigInput<References extends readonly ConnectorReference[] = readonly ConnectorReference[]> = Omit<
  Written,
  'apps'
> & {
  apps?: { readonly [Index in keyof References]: AppInput<References[Index]> } | undefined;
};
