import { matchesPath } from '../http/path-pattern.ts';
import type { SandboxRequest } from '../http/provider.ts';
import { StripeProblem } from './errors.ts';

/** Who may ask for what. https://docs.stripe.com/api/authentication */
export function checkKey(
  request: SandboxRequest,
  keys: readonly string[],
  denied: readonly string[],
  account: string,
): void {
  const key = keyOf(request.headers['authorization']);
  if (key === undefined || key === '') {
    throw new StripeProblem(
      401,
      'You did not provide an API key. Provide it in the Authorization header with Bearer auth (for example: Authorization: Bearer YOUR_SECRET_KEY).',
    );
  }
  if (!keys.includes(key)) throw new StripeProblem(401, `Invalid API Key provided: ${masked(key)}`);
  // No permission lets a restricted key ask for its own account: https://github.com/dj-stripe/dj-stripe/pull/1131
  const forbidden = key.startsWith('rk_') && request.path === '/v1/account';
  if (forbidden || denied.some((pattern) => matchesPath(pattern, request.path))) {
    throw new StripeProblem(
      403,
      `The provided key '${masked(key)}' does not have the required permissions for this endpoint on account '${account}'.`,
    );
  }
}

function keyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [scheme, value = ''] = header.split(' ');
  if (/^bearer$/i.test(scheme ?? '')) return value;
  if (/^basic$/i.test(scheme ?? '')) return Buffer.from(value, 'base64').toString('utf8').split(':')[0];
  return undefined;
}

function masked(key: string): string {
  return key.length <= 12
    ? '*'.repeat(key.length)
    : `${key.slice(0, 8)}${'*'.repeat(Math.min(20, key.length - 12))}${key.slice(-4)}`;
}
