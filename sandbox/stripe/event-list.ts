import { StripeProblem } from './errors.ts';
import { type EventLog, eventText } from './event-log.ts';
import { pick } from './list-cursor.ts';
import { parseListParams } from './list-params.ts';

const MAX_TYPES = 20;

export interface EventPage {
  readonly texts: readonly string[];
  readonly hasMore: boolean;
}

/** https://docs.stripe.com/api/events/list */
export function listEvents(log: EventLog, query: URLSearchParams): EventPage {
  const params = parseListParams(
    query,
    { type: {}, types: { kind: 'list' }, delivery_success: { kind: 'boolean' } },
    true,
  );
  const types = params.values.get('types')?.split(',');
  const type = params.values.get('type');
  if (types && type !== undefined)
    throw new StripeProblem(400, 'You may only specify one of these parameters: type, types.', {
      code: 'parameters_exclusive',
      param: 'type',
    });
  if (types && types.length > MAX_TYPES)
    throw new StripeProblem(400, `Array types exceeded maximum ${MAX_TYPES} allowed elements.`, { param: 'types' });
  const wanted = types ?? (type === undefined ? undefined : [type]);
  const matchers = wanted?.map(typeMatcher);
  const success = params.values.get('delivery_success');

  const events = log.newestFirst();
  const { chosen, hasMore } = pick(events, params, 'event', (event) => {
    if (params.created && (event.created < params.created.from || event.created >= params.created.to)) return false;
    if (matchers && !matchers.some((matches) => matches(event.type))) return false;
    return success === undefined || (event.owed.size === 0) === (success === 'true');
  });
  return {
    texts: chosen.map((event) => eventText(event)),
    hasMore,
  };
}

/** `type` and `types` may end in a wildcard. */
function typeMatcher(wanted: string): (type: string) => boolean {
  if (!wanted.endsWith('*')) return (type) => type === wanted;
  const start = wanted.slice(0, -1);
  return (type) => type.startsWith(start);
}
