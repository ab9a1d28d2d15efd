import { describe, expect, it } from 'vitest';
import { stripe } from '../../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../../sandbox/http/fetch.ts';
import { ACCOUNT_ID, createStripeSandbox } from '../../../sandbox/stripe/index.ts';

/** What the connector makes of the answer to its question. */
async function shownBy(apiKey: string, options: { account?: string; denied?: string[]; knows?: string } = {}) {
  const sandbox = createStripeSandbox({
    apiKey: options.knows ?? apiKey,
    size: { customers: 4 },
    denied: options.denied ?? [],
  });
  const settings = options.account === undefined ? {} : { account: options.account };
  const account = { appKey: 'shop', baseUrl: 'https://api.stripe.com', apiKey, settings };
  const { identity } = stripe;
  const answer = await sandboxFetch(sandbox)(account.baseUrl + identity?.request.path, {
    headers: stripe.headers(account),
  });
  return identity?.read(await answer.text(), account);
}

describe('the account behind a Stripe key', () => {
  it('is told by the account itself; a test key names another world than a live one', async () => {
    expect(await shownBy('sk_live_1')).toBe(ACCOUNT_ID);
    expect(await shownBy('sk_test_1')).toBe(`${ACCOUNT_ID} (test mode)`);
  });

  it('is told by the refusal that a restricted key meets', async () => {
    expect(await shownBy('rk_live_1')).toBe(ACCOUNT_ID);
    expect(await shownBy('rk_test_1')).toBe(`${ACCOUNT_ID} (test mode)`);
  });

  it('is the connected account where one is mirrored with the key of its platform', async () => {
    expect(await shownBy('sk_live_1', { account: 'acct_1Connected' })).toBe('acct_1Connected');
    expect(await shownBy('rk_live_1', { account: 'acct_1Connected' })).toBe('acct_1Connected');
  });

  it('is unknown to a key that is refused, and to a page of HTML', async () => {
    expect(await shownBy('sk_live_1', { knows: 'sk_live_2' })).toBeUndefined();
    const account = { appKey: 'shop', baseUrl: '', apiKey: 'sk_live_1', settings: {} };
    expect(stripe.identity?.read('<html>acct_1</html>', account)).toBeUndefined();
  });

  it('C8: is read back with its mode; a key without a mode in its name judges none', () => {
    const of = (apiKey: string) => ({ appKey: 'shop', baseUrl: '', apiKey, settings: {} });
    const { parts, modeOf } = stripe.identity ?? expect.fail('it has an identity');
    expect(parts?.('acct_1', of('sk_live_1'))).toEqual({ account: 'acct_1', mode: 'live' });
    expect(parts?.('acct_1', undefined)).toEqual({ account: 'acct_1', mode: 'live' });
    expect(parts?.('acct_1 (test mode)', of('sk_live_1'))).toEqual({ account: 'acct_1', mode: 'test' });
    expect(parts?.('acct_1', of('old_key'))).toEqual({ account: 'acct_1' });
    for (const prefix of ['sk', 'rk', 'sk_org', 'rkcs'])
      for (const mode of ['live', 'test']) expect(modeOf?.(of(`${prefix}_${mode}_1`))).toBe(mode);
    expect(modeOf?.(of('vtUQeOtUnYr7'))).toBeUndefined();
  });
});
