import { describeError } from '../../errors.ts';
import type { ChangeLog } from '../../kit/connector.ts';
import { stringifyJson } from '../../kit/json.ts';
import type { App } from '../app.ts';
import { keepEvent, keepUnreadable } from '../inbox/accept.ts';
import type { PlacedEvent } from '../inbox/group.ts';
import { judgeLogged } from '../inbox/judge-account.ts';
import type { AcceptedDelivery } from '../store.ts';

export interface LogPage {
  readonly events: readonly PlacedEvent[];
  /** For the inbox: what the connector cannot read, and what belongs to another account or mode. */
  readonly kept: readonly AcceptedDelivery[];
  readonly cursor: string | null;
}

/**
 * One page of a provider's log of changes, event by event: one that cannot be read keeps no other from being applied.
 * `recorded` is the account that the app mirrors, as it was recorded.
 */
export async function readLogPage(app: App, log: ChangeLog, page: unknown, recorded: string | null): Promise<LogPage> {
  const { events, cursor } = log.read(page);
  const ours: PlacedEvent[] = [];
  const kept: AcceptedDelivery[] = [];
  for (const { value, path } of events) {
    const text = () => textOf(value);
    try {
      const event = log.parse(value);
      const judged = judgeLogged(app, event, recorded);
      if (judged.verdict === 'foreign') kept.push(await keepEvent(app, event, text(), judged.reason));
      else ours.push({ event, path });
    } catch (error) {
      const reason = `in the log of changes, but cannot be read: ${describeError(error)}`;
      kept.push(await keepUnreadable(app, text(), new TextEncoder().encode(text()), reason));
    }
  }
  return { events: ours, kept, cursor };
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
