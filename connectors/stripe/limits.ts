import type { AppAccount, RateLimits } from '../../src/kit/index.ts';
import { resources } from './resources/index.ts';
import type { StripeSettings } from './settings.ts';

/** https://docs.stripe.com/rate-limits */
const LIVE_PER_SECOND = 100;
const SANDBOX_PER_SECOND = 25;
const ENDPOINT_PER_SECOND = 25;

/** The words that paths are made of: all else in a path is an id. */
const words = new Set(
  [
    '/v1/events',
    '/v1/account',
    ...Object.values(resources).flatMap(({ list, retrieve, perParent }) => [
      list?.path,
      retrieve?.path,
      perParent?.path,
    ]),
  ]
    .flatMap((path) => path?.split('/') ?? [])
    .filter((part) => !part.startsWith('{')),
);

/** Stripe counts per named operation: all objects of one kind share a limit. */
function endpointOf(method: string, path: string): string {
  return `${method} ${path
    .split('/')
    .map((part) => (words.has(part) ? part : '{id}'))
    .join('/')}`;
}

export const limits: RateLimits = {
  classes: ({ method = 'GET', path }) => [endpointOf(method, path), 'all'],
  limit(rateClass, account: AppAccount<StripeSettings>) {
    const granted =
      account.settings.requests_per_second ??
      (/^[rs]k_live_/.test(account.apiKey) ? LIVE_PER_SECOND : SANDBOX_PER_SECOND);
    const perSecond =
      rateClass === 'all'
        ? granted
        : Math.min(account.settings.requests_per_second_per_endpoint ?? ENDPOINT_PER_SECOND, granted);
    return { perSecond, burst: Math.max(1, perSecond / 5) };
  },
  // The concurrency limiter has no published number; list requests take about a third of a second.
  concurrency: (account: AppAccount<StripeSettings>) => account.settings.concurrency ?? 12,
};
