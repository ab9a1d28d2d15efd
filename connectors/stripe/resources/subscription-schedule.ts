import { stripeResource } from '../resource.ts';

export const subscriptionSchedule = stripeResource('subscription_schedule', {
  path: '/v1/subscription_schedules',
  list: { hides: 'schedules of a test clock' },
  events: [
    'subscription_schedule.created',
    'subscription_schedule.updated',
    'subscription_schedule.canceled',
    'subscription_schedule.completed',
    'subscription_schedule.released',
    'subscription_schedule.aborted',
    'subscription_schedule.expiring',
  ],
  docs: 'https://docs.stripe.com/api/subscription_schedules',
});
