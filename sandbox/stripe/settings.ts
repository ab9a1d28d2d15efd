import { ACCOUNT_ID } from './account-object.ts';
import { LATEST_VERSION } from './versions.ts';

/** What can be changed while the sandbox runs (`POST /_sandbox/stripe`). */
export interface StripeSettings {
  /** Default version of the account: answers without `Stripe-Version`, and events. */
  apiVersion: string;
  /** Sign deliveries to the receiver set by control; two during a rotation. */
  webhookSecrets: readonly string[];
  /** Id of the account. */
  accountId: string;
  /** Paths (with `*`) that the key may not use: 403. */
  denied: readonly string[];
  /** Events appear in the list so long after they happened. */
  eventLagMs: number;
  /** Connected account that new events carry; `null`: none. */
  eventAccount: string | null;
  /** Mode of new events; default: that of the key. An endpoint of Connect receives those of both modes. */
  eventLivemode: boolean;
  paymentMethodsWithoutCustomer: boolean;
  /** `existing` counts detached payment methods, which no list shows; `listed` does not. */
  truth: 'existing' | 'listed';
}

export function createSettings(
  given: Partial<StripeSettings> & { readonly webhookSecret?: string; readonly apiKey?: string | readonly string[] },
): StripeSettings {
  return {
    apiVersion: given.apiVersion ?? LATEST_VERSION,
    webhookSecrets: given.webhookSecrets ?? [given.webhookSecret ?? 'whsec_sandbox'],
    accountId: given.accountId ?? ACCOUNT_ID,
    denied: given.denied ?? [],
    eventLagMs: given.eventLagMs ?? 0,
    eventAccount: given.eventAccount ?? null,
    eventLivemode: given.eventLivemode ?? [given.apiKey ?? []].flat().some((key) => key.includes('_live_')),
    paymentMethodsWithoutCustomer: given.paymentMethodsWithoutCustomer ?? true,
    truth: given.truth ?? 'existing',
  };
}
