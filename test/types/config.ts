// Compiled by the gate "types", never run. The compiler's words are in test/types/config.test.ts.
import { defineConfig, parseConfig } from 'supasaasy';
import { intercom } from 'supasaasy/connectors/intercom';
import { stripe } from 'supasaasy/connectors/stripe';

defineConfig({
  apps: [
    { app_key: 'by_name', connector: 'stripe', config: { account: 'acct_1', sync_resources: ['customer', 'invoice'] } },
    { app_key: 'by_object', connector: stripe, config: { concurrency: 4 }, history: ['subscription'] },
    { app_key: 'other', connector: intercom, config: { sync_resources: ['contact'] }, history: true },
  ],
});

// What is known at run time only.
parseConfig({ apps: [{ app_key: 'a', connector: 'strype' }] });

// @ts-expect-error There is no connector of that name.
defineConfig({ apps: [{ app_key: 'a', connector: 'strype' }] });
// @ts-expect-error There is no setting "acount".
defineConfig({ apps: [{ app_key: 'a', connector: stripe, config: { acount: 'acct_1' } }] });
// @ts-expect-error There is no resource "custmer".
defineConfig({ apps: [{ app_key: 'a', connector: stripe, config: { sync_resources: ['custmer'] } }] });
// @ts-expect-error A setting of another type.
defineConfig({ apps: [{ app_key: 'a', connector: 'stripe', config: { account: 5 } }] });
// @ts-expect-error A setting of another connector.
defineConfig({ apps: [{ app_key: 'a', connector: intercom, config: { account: 'acct_1' } }] });
// @ts-expect-error A resource of another connector.
defineConfig({ apps: [{ app_key: 'a', connector: intercom, config: { sync_resources: ['customer'] } }] });
// @ts-expect-error There is no resource "custmer".
defineConfig({ apps: [{ app_key: 'a', connector: stripe, history: ['custmer'] }] });
// @ts-expect-error There is no field "app_ky".
defineConfig({ apps: [{ app_ky: 'a', connector: stripe }] });
// @ts-expect-error A secret has no place in the configuration.
defineConfig({ apps: [{ app_key: 'a', connector: stripe, config: { api_key: 'sk' } }] });
// @ts-expect-error There is no field "shedules".
defineConfig({ shedules: [] });
