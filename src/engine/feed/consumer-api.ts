import type { PublishedEvent } from './feed-store.ts';

/** What a handler can set in motion. In tests of a handler, an object with these methods is all that it takes. */
export interface ConsumerApi {
  /** Plans a sync run of an app, or joins the unfinished one of the same wish. */
  startRun(
    appKey: string,
    mode: 'full' | 'incremental',
    options?: { readonly resources?: readonly string[] },
  ): Promise<{ readonly runId: string; readonly resumed: boolean }>;
  /** Puts an event into a topic, for other consumers. An id that the topic has seen is not taken again. */
  publish(
    topic: string,
    events: PublishedEvent | readonly PublishedEvent[],
  ): Promise<{ accepted: number; repeated: number }>;
  /**
   * True the first time that this consumer says it of `key`. With `transaction: true` it is undone together with the
   * handler's writes; without, a crash right after it makes the next attempt skip.
   */
  once(key: string): Promise<boolean>;
}
