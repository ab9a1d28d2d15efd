import { describeError } from '../../errors.ts';
import type { ChangeLog } from '../../kit/connector.ts';
import { stringifyJson } from '../../kit/json.ts';
import type { App } from '../app.ts';
import { keepUnreadable } from '../inbox/accept.ts';
import type { PlacedEvent } from '../inbox/group.ts';
import type { AcceptedDelivery } from '../store.ts';

export interface LogPage {
  readonly events: readonly PlacedEvent[];
  /** What the connector cannot read, as letters for the inbox. */
  readonly unreadable: readonly AcceptedDelivery[];
  readonly cursor: string | null;
}

/** One page of a provider's log of changes, event by event: one that cannot be read keeps no other from being applied. */
export async function readLogPage(app: App, log: ChangeLog, page: unknown): Promise<LogPage> {
  const { events, cursor } = log.read(page);
  const readable: PlacedEvent[] = [];
  const unreadable: AcceptedDelivery[] = [];
  for (const { value, path } of events) {
    try {
      readable.push({ event: log.parse(value), path });
    } catch (error) {
      const text = textOf(value);
      const reason = `in the log of changes, but cannot be read: ${describeError(error)}`;
      unreadable.push(await keepUnreadable(app, text, new TextEncoder().encode(text), reason));
    }
  }
  return { events: readable, unreadable, cursor };
}

/** An event that nests so deep that it cannot be written again is known by its id. */
function textOf(value: unknown): string {
  try {
    return stringifyJson(value) ?? 'null';
  } catch {
    const { id } = (value ?? {}) as { id?: unknown };
    return stringifyJson({ id: typeof id === 'string' ? id : null, unwritable: true });
  }
}
