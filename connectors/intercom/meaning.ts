import { z } from 'zod';
import type { AnswerMeaning } from '../../src/kit/index.ts';
import { parseJson } from '../../src/kit/index.ts';

const errorList = z.object({
  errors: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).min(1),
});

/**
 * Reads an `error.list`. Undefined where the status alone says what to do.
 *
 * https://developers.intercom.com/docs/references/rest-api/errors/error-codes
 */
export function meaning(status: number, body: string): AnswerMeaning | undefined {
  const { code, message } = firstError(body);
  if (status === 429 || code === 'rate_limit_exceeded') return 'rate_limited';
  // Somebody else's scroll, or our own abandoned one: it ends a minute after its last use.
  if (code === 'scroll_exists') return 'retry';
  if ((status === 404 || status >= 500) && /scroll/i.test(message)) return 'cursor_lost';
  if (status === 400 && /starting.after/i.test(message)) return 'cursor_lost';
  // The key is fine; it was not given this permission.
  if (code === 'token_unauthorized' || code === 'api_plan_restricted') return 'forbidden';
  return undefined;
}

function firstError(body: string): { code: string; message: string } {
  try {
    const parsed = errorList.safeParse(parseJson(body));
    return { code: parsed.data?.errors[0]?.code ?? '', message: parsed.data?.errors[0]?.message ?? '' };
  } catch {
    return { code: '', message: '' };
  }
}
