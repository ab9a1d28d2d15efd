import type Stripe from 'stripe';

let loading: Promise<typeof Stripe> | undefined;

/**
 * The official SDK, loaded when a signature or an endpoint needs it: a worker that only reads pages saves 35 MB and
 * a third of a second. The one import that is not static; a package of npm is found all the same where we bundle.
 */
export function loadStripe(): Promise<typeof Stripe> {
  loading ??= import('stripe').then((module) => module.default);
  return loading;
}
