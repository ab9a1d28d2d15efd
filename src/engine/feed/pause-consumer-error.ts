import { SupasaasyError } from '../../errors.ts';

/** A handler's word: nobody will ever answer there. The change waits, and the consumer is paused until a person resumes it. */
export class PauseConsumerError extends SupasaasyError {
  override readonly code = 'consumer_paused';
  override readonly recovery = 'pause';
}
