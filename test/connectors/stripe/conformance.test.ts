import { describe, it } from 'vitest';
import { stripe } from '../../../connectors/stripe/index.ts';
import { connectorConformance } from '../../../src/testing/index.ts';
import { onTrial } from '../on-trial.ts';
import { snapshotEvent } from './event-fixtures.ts';
import { openStripe, withoutCopies } from './sandbox.ts';

connectorConformance(
  { describe, it },
  {
    ...onTrial(stripe, openStripe),
    settings: { requests_per_second: 10_000 },
    see: (_, object, by) => (by === 'news' ? withoutCopies(object) : object),
    // A detached payment method exists, and no list shows it.
    hidden: ['payment_method'],
    foreign: (body) => {
      const event = JSON.parse(body) as object;
      return [
        { ...event, livemode: true },
        { ...event, id: 'evt_of_an_account', account: 'acct_1Another' },
        { ...event, id: 'evt_of_a_sister', context: 'org_1/acct_1Another' },
      ].map((each) => JSON.stringify(each));
    },
    unknownEvent: snapshotEvent({ type: 'gadget.invented', object: { id: 'g_1', object: 'gadget' } }),
  },
);
