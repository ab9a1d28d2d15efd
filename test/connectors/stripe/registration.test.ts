import { describe, expect, it } from 'vitest';
import { stripe } from '../../../connectors/stripe/index.ts';
import { registration } from '../../../connectors/stripe/registration.ts';
import { sandboxFetch } from '../../../sandbox/http/fetch.ts';
import { createStripeSandbox } from '../../../sandbox/stripe/index.ts';

const URL_OF_APP = 'https://example.com/webhook/stripe_main';

function connect(settings = {}) {
  const sandbox = createStripeSandbox({ size: { customers: 16 } });
  const bodies: string[] = [];
  const inner = sandboxFetch(sandbox);
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (typeof init?.body === 'string' && init.method === 'POST') bodies.push(decodeURIComponent(init.body));
    expect(String(input)).toMatch(/^http:\/\/127\.0\.0\.1:9\/v1\/webhook_endpoints/);
    return await inner(input, init);
  };
  const account = { appKey: 'stripe_main', baseUrl: 'http://127.0.0.1:9', apiKey: sandbox.apiKey, settings };
  return { context: { account, fetch }, bodies };
}

describe("registering a webhook endpoint through Stripe's API", () => {
  it('creates it once, with the pinned version and the events of the wanted resources', async () => {
    const { context } = connect();
    const first = await registration.register(context, URL_OF_APP, ['payout', 'review']);
    expect(first).toMatchObject({
      created: true,
      url: URL_OF_APP,
      status: 'enabled',
      apiVersion: stripe.metadata.apiVersion,
    });
    expect(first.secret).toMatch(/^whsec_/);
    expect(first.events).toEqual([
      ...['payout.canceled', 'payout.created', 'payout.failed', 'payout.paid', 'payout.reconciliation_completed'],
      ...['payout.updated', 'review.closed', 'review.opened'],
    ]);
    const again = await registration.register(context, URL_OF_APP, ['payout', 'review']);
    expect(again).toMatchObject({ id: first.id, created: false });
    expect(again.secret).toBeUndefined();
    expect(await registration.list(context)).toHaveLength(1);
  });

  it('adds the events that it lacks, and takes none away', async () => {
    const { context } = connect();
    await registration.register(context, URL_OF_APP, ['review']);
    const wider = await registration.register(context, URL_OF_APP, ['transfer']);
    expect(wider.created).toBe(false);
    expect(wider.events).toEqual(expect.arrayContaining(['review.opened', 'transfer.created']));
  });

  it('asks for the events of connected accounts where the app mirrors one', async () => {
    const { context, bodies } = connect({ account: 'acct_1' });
    await registration.register(context, URL_OF_APP, ['review']);
    expect(bodies[0]).toContain('connect=true');
  });

  it('says what Stripe says when the key is wrong', async () => {
    const { context } = connect();
    const wrong = { ...context, account: { ...context.account, apiKey: 'sk_test_wrong' } };
    await expect(registration.register(wrong, URL_OF_APP, ['review'])).rejects.toThrow(/Invalid API Key/);
  });
});
