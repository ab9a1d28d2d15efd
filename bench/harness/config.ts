import '../../connectors/stripe/index.ts';
import { type Config, parseConfig } from '../../src/config.ts';

export interface BenchApp {
  readonly sandboxUrl: string;
  readonly resources: readonly string[];
  /** Requests a second; default: as many as the sandbox answers. */
  readonly perSecond?: number;
  readonly perSecondPerEndpoint?: number;
  readonly concurrency?: number;
  /** Cron expression of incremental runs while it serves. */
  readonly every?: string;
}

/** One Stripe account, with limits that do not bind unless they are what is measured. */
export function benchConfig(app: BenchApp): Config {
  const schedules =
    app.every === undefined ? [] : [{ app_key: 'stripe_main', cron: app.every, mode: 'incremental' as const }];
  return parseConfig({
    schedules,
    apps: [
      {
        app_key: 'stripe_main',
        connector: 'stripe',
        config: {
          api_key_env: 'STRIPE_KEY',
          webhook_secret_env: 'STRIPE_SECRET',
          base_url: app.sandboxUrl,
          sync_resources: [...app.resources],
          requests_per_second: app.perSecond ?? 10_000,
          requests_per_second_per_endpoint: app.perSecondPerEndpoint ?? 10_000,
          concurrency: app.concurrency ?? 25,
        },
      },
    ],
  });
}
