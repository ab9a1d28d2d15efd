import type { JetStreamClient } from '@nats-io/jetstream';
import type { Change } from '../../engine/feed/change.ts';
import type { Handler } from '../../engine/feed/define-consumer.ts';
import { NonRetriableError } from '../../errors.ts';
import { stringifyJson } from '../../kit/json.ts';

export interface NatsSinkOptions {
  readonly jetstream: Pick<JetStreamClient, 'publish'>;
  /** Default: `supasaasy.` and the change's type. A stream must take it. */
  readonly subject?: (change: Change) => string;
}

/**
 * A handler that publishes each change to JetStream, as JSON, and acknowledges when the server has it. The change's id
 * is the message's: within the stream's duplicate window a repeated delivery is stored once.
 */
export function natsSink({ jetstream, subject = (change) => `supasaasy.${change.type}` }: NatsSinkOptions): Handler {
  return async (change) => {
    const { attempt: _, ...message } = change;
    try {
      await jetstream.publish(subject(change), new TextEncoder().encode(stringifyJson(message)), { msgID: change.id });
    } catch (error) {
      if (/max.?payload/i.test(String((error as Error).message)))
        throw new NonRetriableError(
          `the change is larger than the server takes in one message: make the consumer thin, or raise max_payload`,
          {
            cause: error,
          },
        );
      throw error;
    }
  };
}
