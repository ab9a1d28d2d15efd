import type { SandboxProvider } from '../http/provider.ts';
import { StripeProblem } from './errors.ts';

/** Stripe's words about limits and failures. https://docs.stripe.com/rate-limits */
export const rateHooks: Required<Pick<SandboxProvider, 'rateLimited' | 'failure' | 'endpointClass' | 'retryDelaysMs'>> =
  {
    /** Minutes, then hours, up to three days. */
    retryDelaysMs: [
      5_000,
      300_000,
      1_800_000,
      7_200_000,
      18_000_000,
      36_000_000,
      ...Array.from({ length: 4 }, () => 43_200_000),
    ],
    endpointClass(request) {
      const segments = request.path.split('/');
      const deep = segments[2] === 'checkout' || segments[2] === 'radar';
      return segments.slice(0, deep ? 4 : 3).join('/');
    },
    rateLimited(refusal) {
      const reason = refusal.reason === 'requested' ? 'global-rate' : refusal.reason;
      const { body } = new StripeProblem(
        429,
        'Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits.',
        { code: 'rate_limit' },
      ).answer();
      return {
        status: 429,
        headers: {
          'content-type': 'application/json',
          'stripe-rate-limited-reason': reason,
          'stripe-should-retry': 'true',
          'retry-after': String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1000))),
        },
        body,
      };
    },
    failure(status) {
      const message =
        status >= 500
          ? 'An unknown error occurred'
          : status === 403
            ? 'The provided key does not have the required permissions for this endpoint.'
            : 'The request could not be completed.';
      return {
        ...new StripeProblem(status, message, { type: status >= 500 ? 'api_error' : 'invalid_request_error' }).answer(),
        headers: { 'content-type': 'application/json', 'request-id': 'req_failed' },
      };
    },
  };
