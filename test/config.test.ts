import { describe, expect, it } from 'vitest';
import '../connectors/intercom/index.ts';
import '../connectors/stripe/index.ts';
import { type ConfigInput, defineConfig } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';

const shop = { app_key: 'shop', connector: 'stripe' } as const;

function problemsOf(input: unknown): readonly string[] {
  try {
    defineConfig(input as ConfigInput);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('defineConfig', () => {
  it('completes an app: names of variables from its key, the origin, every resource', () => {
    const [app] = defineConfig({ apps: [{ app_key: 'eu-shop', connector: 'stripe' }] }).apps;
    expect(app).toMatchObject({
      name: 'eu-shop',
      apiKeyEnv: 'EU_SHOP_API_KEY',
      webhookSecretEnvs: ['EU_SHOP_WEBHOOK_SECRET'],
      baseUrl: 'https://api.stripe.com',
      on_delete: 'tombstone',
      syncFromSeconds: undefined,
    });
    expect(app?.resources).toContain('subscription_item');
  });

  it.each([
    ['2024-01-01', 1_704_067_200],
    ['2024-01-01T00:00:00Z', 1_704_067_200],
    ['2024-01-01T02:00:00+02:00', 1_704_067_200],
    [new Date('2024-01-01T00:00:00Z'), 1_704_067_200],
  ])('S4-42: sync_from %s is an instant', (sync_from, seconds) => {
    expect(defineConfig({ sync_from, apps: [shop] }).apps[0]?.syncFromSeconds).toBe(seconds);
  });

  it("S4-42, S4-49: an app's own sync_from wins; unset is all of history", () => {
    const config = defineConfig({
      sync_from: '2024-01-01',
      apps: [shop, { ...shop, app_key: 'other', sync_from: '2025-01-01' }],
    });
    expect(config.apps.map((app) => app.syncFromSeconds)).toEqual([1_704_067_200, 1_735_689_600]);
    expect(defineConfig({ apps: [shop] }).apps[0]?.syncFromSeconds).toBeUndefined();
  });

  it.each(['yesterday', '2024-13-01', '01/02/2024', '', 20240101, new Date(Number.NaN)])(
    'A29: sync_from %s is refused with what it must be',
    (sync_from) => {
      expect(problemsOf({ sync_from, apps: [shop] }).join()).toMatch(/^sync_from: .*ISO 8601/);
    },
  );

  it.each(['Shop', 'shop!', 'a b', '', 'x'.repeat(65), 'shop/../x'])(
    'the app_key "%s" is refused with the rule',
    (app_key) => {
      expect(problemsOf({ apps: [{ ...shop, app_key }] }).join()).toContain('^[a-z0-9_-]{1,64}$');
    },
  );

  it('collects every mistake, each with its path', () => {
    const problems = problemsOf({
      apps: [
        shop,
        shop,
        { app_key: 'crm', connector: 'salesforce' },
        { app_key: 'some', connector: 'stripe', config: { sync_resources: ['customer', 'unicorn'] } },
      ],
      schedules: [{ app_key: 'nobody', cron: '* * * * *' }],
    });
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).toContain('apps[1].app_key: "shop" is used twice');
    expect(problems.join('\n')).toMatch(/apps\[2\]\.connector: unknown connector "salesforce".*intercom, stripe/);
    expect(problems.join('\n')).toContain('apps[3].config.sync_resources[1]: stripe has no resource "unicorn"');
    expect(problems.join('\n')).toContain('schedules[0].app_key: there is no app "nobody"');
  });

  it('a mistake of shape hides none of meaning: one list, each with its path and how to mend it', () => {
    const problems = problemsOf({
      sync_from: 'yesterday',
      aps: [],
      apps: [
        { app_key: 'Shop!', connector: 'salesforce', config: { token: 'canary', api_key_env: 5 }, on_delete: 'forget' },
        { app_key: 'crm', connector: 'stripe', name: 5, config: { sync_resources: ['unicorn'], acount: 'acct_1' } },
        { app_key: 'crm', connector: 'stripe', config: 'none', history: ['unicorn'] },
        'nothing at all',
      ],
      schedules: [{ app_key: 'nobody', cron: 'now and then', mode: 'sometimes' }],
      feed: { retention_days: 0 },
    });
    const mended = {
      sync_from: 'must be an ISO 8601 date',
      '(root)': 'there is no field "aps" (there are: deployment, apps,',
      'apps[0].app_key': 'must match ^[a-z0-9_-]{1,64}$',
      'apps[0].connector': 'unknown connector "salesforce"; correct it, or import its module',
      'apps[0].config.token': "name its variable: token_env: 'SHOP__TOKEN'",
      'apps[0].config.api_key_env': 'must be a text',
      'apps[0].on_delete': 'must be "tombstone" or "purge"',
      'apps[1].name': 'must be a text',
      'apps[1].config.sync_resources[0]': 'stripe has no resource "unicorn" (it has: customer,',
      'apps[1].config': 'there is no setting "acount" (there are: api_key_env,',
      'apps[2].app_key': '"crm" is used twice',
      'apps[2].config': 'must be an object',
      'apps[2].history[0]': 'crm syncs no resource "unicorn"',
      'apps[3]': 'must be an object',
      'schedules[0].app_key': 'there is no app "nobody" (apps: Shop!, crm, crm)',
      'schedules[0].cron': 'must be a cron expression',
      'schedules[0].mode': 'must be "full" or "incremental"',
      'feed.retention_days': 'must be more than 0',
    };
    for (const [path, words] of Object.entries(mended))
      expect(problems.filter((problem) => problem.startsWith(`${path}: `)).join(), path).toContain(words);
    expect(problems).toHaveLength(Object.keys(mended).length);
    expect(problems.join()).not.toContain('canary');
  });

  it.each([undefined, null, 5, 'stripe', [], { apps: 'stripe' }])(
    '%j is no configuration, and says what is',
    (input) => {
      expect(problemsOf(input).join()).toMatch(/: (is missing; it )?must be (an object|a list)/);
    },
  );

  it.each(['now and then', '61 * * * *', '* * *', ''])('the cron "%s" is refused with an example', (cron) => {
    expect(problemsOf({ apps: [shop], schedules: [{ app_key: 'shop', cron }] }).join()).toMatch(
      /schedules\[0\]\.cron: .*\*\/5/,
    );
  });

  it('A45: a literal secret is refused, wherever it stands, and not repeated', () => {
    for (const config of [
      { api_key_env: 'sk_live_canary' },
      { webhook_secret_env: ['whsec_canary'] },
      { api_key: 'sk_live_canary' },
    ]) {
      const problems = problemsOf({ apps: [{ ...shop, config }] }).join('\n');
      expect(problems).toContain('apps[0].config');
      expect(problems).toContain('.env');
      expect(problems).not.toContain('canary');
    }
  });

  it('several webhook secrets are kept in order, for a rotation', () => {
    const [app] = defineConfig({
      apps: [{ ...shop, config: { webhook_secret_env: ['NEW_SECRET', 'OLD_SECRET'] } }],
    }).apps;
    expect(app?.webhookSecretEnvs).toEqual(['NEW_SECRET', 'OLD_SECRET']);
  });

  it('a wanted child brings its parent; base_url loses its slash', () => {
    const [app] = defineConfig({
      apps: [{ ...shop, config: { base_url: 'http://localhost:4010/', sync_resources: ['subscription_item'] } }],
    }).apps;
    expect(app?.baseUrl).toBe('http://localhost:4010');
    expect(app?.resources).toEqual(['subscription', 'subscription_item']);
  });

  it('unknown fields are refused by name: a typing error does not go unnoticed', () => {
    expect(problemsOf({ apps: [{ ...shop, sync_form: '2024-01-01' }] }).join()).toContain('sync_form');
    expect(problemsOf({ apps: [{ ...shop, config: { acount: 'acct_1' } }] }).join()).toContain('acount');
  });
});
