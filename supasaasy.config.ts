import process from 'node:process';
import { defineConfig } from 'supasaasy';
import { intercom } from 'supasaasy/connectors/intercom';
import { stripe } from 'supasaasy/connectors/stripe';

/** Which accounts are mirrored. Secrets are named here and kept in `.env` (see .env.example). */
export default defineConfig({
  apps: [
    {
      app_key: 'stripe_main',
      name: 'Stripe',
      connector: stripe,
      config: {
        api_key_env: 'STRIPE_API_KEY',
        webhook_secret_env: 'STRIPE_WEBHOOK_SECRET',
        // Another origin than the provider's: a proxy, or the emulator of `supasaasy sandbox`.
        base_url: process.env['STRIPE_BASE_URL'] || undefined,
      },
    },
    {
      app_key: 'intercom_main',
      name: 'Intercom',
      connector: intercom,
      config: {
        api_key_env: 'INTERCOM_API_KEY',
        webhook_secret_env: 'INTERCOM_CLIENT_SECRET',
        base_url: process.env['INTERCOM_BASE_URL'] || undefined,
      },
    },
  ],
  schedules: [
    { app_key: 'stripe_main', cron: '*/5 * * * *', mode: 'incremental' },
    { app_key: 'stripe_main', cron: '17 3 * * 0', mode: 'full' },
    { app_key: 'intercom_main', cron: '*/5 * * * *', mode: 'incremental' },
    { app_key: 'intercom_main', cron: '47 3 * * 0', mode: 'full' },
  ],
});
