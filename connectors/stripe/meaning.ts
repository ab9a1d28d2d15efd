import { z } from 'zod';
import type { AnswerMeaning } from '../../src/kit/index.ts';
import { parseJson } from '../../src/kit/index.ts';

/** https://docs.stripe.com/api/errors */
const answer = z.object({
  error: z.object({
    code: z.string().optional(),
    param: z.string().optional(),
    message: z.string().optional(),
  }),
});

const CURSORS = ['starting_after', 'ending_before'];
/** What the list of payment methods asks for in the versions that refuse it without a customer. */
const OWNERS = ['customer', 'customer_account', 'type'];

/** What Stripe's refusals mean; undefined leaves it to the general table. */
export function meaning(status: number, body: string): AnswerMeaning | undefined {
  // Also a lock on one object (`lock_timeout`): to be tried again after a while, and never counted as a failure.
  if (status === 429) return 'rate_limited';
  if (status === 409) return 'retry';
  if (status === 401) return 'unauthorized';
  const { code, param = '', message = '' } = errorOf(body);
  // The platform's key has no access to the connected account (any more).
  if (status === 403) return code === 'account_invalid' ? 'unauthorized' : 'forbidden';
  if (status !== 400 && status !== 404) return undefined;
  if (code === 'resource_missing' && CURSORS.includes(param)) return 'cursor_lost';
  // The object exists, but the key is of the other mode: nothing may be deleted for that.
  if (/similar object exists in (live|test) mode/.test(message)) return 'unauthorized';
  if (status === 404) return code === 'resource_missing' ? 'gone' : 'refused';
  if (code === 'parameter_missing' && OWNERS.includes(param)) return 'unlistable';
  return undefined;
}

function errorOf(body: string): z.infer<typeof answer>['error'] {
  try {
    return answer.parse(parseJson(body)).error;
  } catch {
    return {};
  }
}
