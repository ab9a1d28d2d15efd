import type { NormalizedEvent } from '../../kit/connector.ts';
import type { App } from '../app.ts';

/** Whether an event belongs to the account that an app mirrors. `unknown`: only the recorded account can say. */
export type Judgement =
  | { readonly verdict: 'ours' }
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'foreign'; readonly reason: string };

const OURS = { verdict: 'ours' } as const;
const UNKNOWN = { verdict: 'unknown' } as const;

/**
 * Judges by the configuration alone, at the moment of delivery. The recorded account is not read there: a delivery
 * waits for no query before it is durable.
 */
export function judgeBySettings(app: App, event: NormalizedEvent): Judgement {
  const { connector, settings } = app.config;
  const own = connector.accountOf?.(settings);
  if (own !== undefined && event.account !== own) return foreign(event.account);
  if (own === undefined && event.account !== undefined && connector.identity === undefined)
    return foreign(event.account);
  return OURS;
}

/**
 * Judges by the account that was recorded at the first run; null: none is recorded. One delivery never decides which
 * account or mode is ours.
 */
export function judgeAccount(app: App, event: NormalizedEvent, recorded: string | null): Judgement {
  const bySettings = judgeBySettings(app, event);
  const { identity } = app.config.connector;
  if (bySettings.verdict === 'foreign' || identity === undefined) return bySettings;
  const key = keyOf(app);
  const known = recorded === null ? undefined : (identity.parts?.(recorded, key) ?? { account: recorded });
  if (event.account !== undefined) {
    // A connected account that the configuration names needs no record.
    if (known === undefined && app.config.connector.accountOf?.(app.config.settings) === undefined) return UNKNOWN;
    if (known !== undefined && event.account !== known.account) return foreign(event.account);
  }
  if (event.mode === undefined) return OURS;
  const mode = known === undefined ? key && identity.modeOf?.(key) : known.mode;
  if (mode !== undefined && event.mode !== mode)
    return { verdict: 'foreign', reason: `from ${event.mode} mode; this app mirrors ${mode} mode` };
  return known === undefined && key === undefined ? UNKNOWN : OURS;
}

/**
 * The same where the provider does not say which account the key belongs to. Where the configuration can name an
 * account, an event of ours names none; elsewhere nothing can judge it.
 */
export function judgeUntold(app: App, event: NormalizedEvent): Judgement {
  return event.account !== undefined && app.config.connector.accountOf !== undefined ? foreign(event.account) : OURS;
}

/** The same for an entry of the log of changes, which is the log of one account: an entry that names none is ours. */
export function judgeLogged(app: App, event: NormalizedEvent, recorded: string | null): Judgement {
  const own = app.config.connector.accountOf?.(app.config.settings);
  const named = event.account === undefined && own !== undefined ? { ...event, account: own } : event;
  const judged = judgeAccount(app, named, recorded);
  return judged.verdict === 'unknown' ? judgeUntold(app, event) : judged;
}

function foreign(account: string | undefined): Judgement {
  return {
    verdict: 'foreign',
    reason: `about account ${account ?? '(the platform itself)'}, which this app does not mirror`,
  };
}

/** Undefined where this process lacks the key. */
function keyOf(app: App) {
  return app.missingSecrets().includes(app.config.apiKeyEnv) ? undefined : app.account();
}
