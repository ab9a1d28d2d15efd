import type { RateLimits } from '../../src/kit/index.ts';

/**
 * 10,000 requests a minute per app, counted in windows of ten seconds: 1,666 each. A full bucket and ten seconds of
 * refilling make 1,650.
 *
 * https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
 */
export const limits: RateLimits = {
  classes: () => ['app'],
  limit: () => ({ perSecond: 150, burst: 150 }),
  concurrency: () => 16,
};
