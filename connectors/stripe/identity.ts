import { type AccountIdentity, textAt } from '../../src/kit/index.ts';

const NAMED = /\bon account '(acct_[A-Za-z0-9]+)'/;
const TEST_KEY = /^[a-z]+_test_/;

/**
 * https://docs.stripe.com/api/accounts/retrieve. No permission lets a restricted key ask; the refusal names its account
 * (https://github.com/dj-stripe/dj-stripe/pull/1131). Test and live mode are two worlds of one account, told apart by
 * the key: https://docs.stripe.com/keys
 */
export const identity: AccountIdentity = {
  request: { path: '/v1/account' },
  read(text, { apiKey }) {
    const id = textAt(text, ['id']) ?? NAMED.exec(text)?.[1];
    return id === undefined ? undefined : TEST_KEY.test(apiKey) ? `${id} (test mode)` : id;
  },
};
