import { z } from 'zod';

/** What is Stripe's own in an app's `config`. */
export const settings = z.strictObject({
  /**
   * Connect: the connected account to mirror with the platform's key. Sent as `Stripe-Account`; only events about
   * it are taken. https://docs.stripe.com/connect/authentication
   */
  account: z
    .string()
    .regex(/^acct_[A-Za-z0-9]{1,200}$/, 'must be the id of a connected account: acct_…')
    .optional(),
  /** Requests a second that this account is allowed, where Stripe has granted other than 100 live and 25 in a sandbox. */
  requests_per_second: z.number().positive().max(10_000).optional(),
  /** The same for one endpoint: 25 unless Stripe has granted more. */
  requests_per_second_per_endpoint: z.number().positive().max(10_000).optional(),
  /** Requests at one time; 12 unless Stripe has granted more. */
  concurrency: z.number().int().min(1).max(500).optional(),
});

export type StripeSettings = z.output<typeof settings>;
