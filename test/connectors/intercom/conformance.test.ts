import { describe, it } from 'vitest';
import { intercom } from '../../../connectors/intercom/index.ts';
import { connectorConformance } from '../../../src/testing/index.ts';
import { onTrial } from '../on-trial.ts';
import { asListed, notification, openIntercom } from './sandbox.ts';

connectorConformance(
  { describe, it },
  {
    ...onTrial(intercom, openIntercom),
    see: asListed,
    unknownEvent: notification('gadget.invented', { type: 'gadget', id: '1' }),
  },
);
