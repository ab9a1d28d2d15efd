import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { stringifyJson } from '../../kit/json.ts';

/** `c.json` writes numbers of a provider with 53 bits, and refuses bigints. */
export function answerJson(
  c: Context,
  value: unknown,
  status: ContentfulStatusCode = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return c.body(stringifyJson(value), status, { 'Content-Type': 'application/json', ...headers });
}
