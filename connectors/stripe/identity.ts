import { type AccountIdentity, type AppAccount, textAt } from '../../src/kit/index.ts';

const NAMED = /\bon account '(acct_[A-Za-z0-9]+)'/;
/** `sk_test_…`, `rk_live_…`, `sk_org_live_…`: https://docs.stripe.com/keys */
const MODE = /^(?:[a-z]+_)+?(test|live)_/;
const IN_TEST_MODE = ' (test mode)';

/**
 * https://docs.stripe.com/api/accounts/retrieve. No permission lets a restricted key ask; the refusal names its account
 * (https://github.com/dj-stripe/dj-stripe/pull/1131). Test and live mode are two worlds of one account, told apart by
 * the key. A sandbox is an account of its own, in test mode.
 */
export const identity: AccountIdentity = {
  request: { path: '/v1/account' },
  read(text, account) {
    const id = textAt(text, ['id']) ?? NAMED.exec(text)?.[1];
    return id === undefined ? undefined : modeOf(account) === 'test' ? `${id}${IN_TEST_MODE}` : id;
  },
  parts(recorded, account) {
    if (recorded.endsWith(IN_TEST_MODE)) return { account: recorded.slice(0, -IN_TEST_MODE.length), mode: 'test' };
    // A key without a mode in its name judges no event by its mode.
    const known = account === undefined || modeOf(account) !== undefined;
    return { account: recorded, ...(known ? { mode: 'live' } : {}) };
  },
  modeOf,
};

function modeOf({ apiKey }: AppAccount): string | undefined {
  return MODE.exec(apiKey)?.[1];
}
