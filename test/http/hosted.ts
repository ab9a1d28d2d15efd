import { createHmac } from 'node:crypto';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { defineConfig } from '../../src/config.ts';
import { createEngine, type EngineOptions } from '../../src/engine/engine.ts';
import { createHttp } from '../../src/engine/http/create-http.ts';
import type { HttpOptions } from '../../src/engine/http/options.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { registerTemplate, type TestDatabase } from '../setup/database.ts';

registerTemplate('both connectors', async (database) => {
  await applyMigrations(database, await readMigrations([stripe, intercom]));
});

export const ADMIN_KEY = 'admin-key-of-the-tests';
export const SECRET = 'whsec_of_the_tests';
export const ENV = {
  STRIPE_KEY: 'sk_test_canary_5d1f',
  STRIPE_SECRET: SECRET,
  OTHER_KEY: 'sk_test_other',
  OTHER_SECRET: 'whsec_other',
  INTERCOM_KEY: 'intercom_token',
  INTERCOM_SECRET: 'intercom_secret',
};

export const config = defineConfig({
  apps: [
    {
      app_key: 'stripe_main',
      connector: 'stripe',
      config: {
        api_key_env: 'STRIPE_KEY',
        webhook_secret_env: ['STRIPE_SECRET', 'STRIPE_SECRET_NEXT'],
        requests_per_second: 1000,
      },
    },
    {
      app_key: 'stripe-2',
      connector: 'stripe',
      config: { api_key_env: 'OTHER_KEY', webhook_secret_env: 'OTHER_SECRET' },
    },
    {
      app_key: 'intercom_main',
      connector: 'intercom',
      config: { api_key_env: 'INTERCOM_KEY', webhook_secret_env: 'INTERCOM_SECRET' },
    },
  ],
});

/** The HTTP surface over a test database. */
export function host(
  database: TestDatabase['database'],
  options: Partial<HttpOptions> & Partial<Omit<EngineOptions, 'database'>> = {},
) {
  const { config: ownConfig, env, ports, settings, ...httpOptions } = options;
  const logged: string[] = [];
  const engine = createEngine({
    config: ownConfig ?? config,
    database,
    env: env ?? ENV,
    ports: { log: (level, message) => logged.push(`${level} ${message}`), ...ports },
    ...(settings === undefined ? {} : { settings }),
  });
  const http = createHttp(engine, { adminKeys: () => [ADMIN_KEY], ...httpOptions });
  const admin = { authorization: `Bearer ${ADMIN_KEY}` };
  return { engine, http, logged, admin };
}

export function customerEvent(id: string, fields: object = {}, type = 'customer.updated', created = seconds()): string {
  return JSON.stringify({
    id,
    object: 'event',
    api_version: stripe.metadata.apiVersion,
    created,
    type,
    data: { object: { id: 'cus_1', object: 'customer', created: 1, ...fields } },
  });
}

export function signature(body: string | Uint8Array, secret = SECRET, at = seconds()): Record<string, string> {
  const digest = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
  return { 'stripe-signature': `t=${at},v1=${digest}` };
}

export const seconds = () => Math.floor(Date.now() / 1000);
