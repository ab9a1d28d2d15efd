import { describe, expect, it } from 'vitest';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { describeConnector } from './describe-connector.ts';

/**
 * What each connector says of its provider, written down a second time: a path, a field or an event that changes in the
 * code changes here too, where a reviewer sees it. `npx vitest run test/connectors/descriptions -u` writes the files anew.
 */
describe('the description of', () => {
  it('Stripe is the one that was reviewed', async () => {
    await expect(describeConnector(stripe)).toMatchFileSnapshot('./stripe/description.txt');
  });

  it('Intercom is the one that was reviewed', async () => {
    await expect(describeConnector(intercom)).toMatchFileSnapshot('./intercom/description.txt');
  });
});
