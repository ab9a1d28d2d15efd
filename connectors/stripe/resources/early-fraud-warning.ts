import { stripeResource } from '../resource.ts';

export const earlyFraudWarning = stripeResource('early_fraud_warning', {
  object: 'radar.early_fraud_warning',
  path: '/v1/radar/early_fraud_warnings',
  events: ['radar.early_fraud_warning.created', 'radar.early_fraud_warning.updated'],
  docs: 'https://docs.stripe.com/api/radar/early_fraud_warnings',
});
