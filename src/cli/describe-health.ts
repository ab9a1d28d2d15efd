import { formatDuration } from '../engine/format-duration.ts';
import type { ResourceHealth } from '../engine/proof.ts';
import { formatTable } from './table.ts';

/** One line per resource: how it is, how fresh, and how its last comparison ended. */
export function describeHealth(health: readonly ResourceHealth[], now: string): string {
  return formatTable(
    ['app', 'resource', 'state', 'behind', 'fresh p50', 'p99', 'failures', 'quarantine', 'last certificate'],
    health.map((one) => [
      one.app_key,
      one.resource,
      one.state,
      describeInterval(one.lag),
      describeInterval(one.freshness_p50),
      describeInterval(one.freshness_p99),
      Number(one.open_failures),
      Number(one.quarantined),
      describeCertificate(one, now),
    ]),
  );
}

function describeCertificate(one: ResourceHealth, now: string): string {
  if (one.certified_at === null) return 'none yet';
  const ago = formatDuration(Math.max(0, Date.parse(now) - Date.parse(one.certified_at)));
  const rows = Number(one.mirror_count).toLocaleString('en-US');
  const ended = one.certificate_ended_by === null ? '' : ` (the list ended by ${one.certificate_ended_by})`;
  return `${one.certificate_holds === true ? 'holds' : 'does not hold'}: ${rows} rows, by ${one.certified_by} ${ago} ago${ended}`;
}

/** Why the certificates that do not hold do not hold, one line each. */
export function describeDoubts(health: readonly ResourceHealth[]): string[] {
  return health.flatMap(({ app_key, resource, certificate_holds, certificate_reason }) =>
    certificate_holds === false ? [`${app_key} ${resource}: the certificate does not hold: ${certificate_reason}`] : [],
  );
}

/** PostgreSQL's `1 day 02:03:04.5` in our words. */
export function describeInterval(text: string | null): string {
  if (text === null) return '–';
  const found = /^(?:(-?\d+) days? ?)?(?:([-+]?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?$/.exec(text);
  if (found === null) return text;
  const [, days = '0', sign, hours = '0', minutes = '0', seconds = '0'] = found;
  const time = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000;
  return formatDuration(Number(days) * 86_400_000 + (sign === '-' ? -time : time));
}
