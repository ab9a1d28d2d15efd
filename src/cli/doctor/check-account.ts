import { assertSame } from '../../engine/account-guard.ts';
import type { App } from '../../engine/app.ts';
import type { Engine } from '../../engine/engine.ts';
import { ask } from '../../engine/sync/ask.ts';
import { describeError, WrongAccountError } from '../../errors.ts';
import type { Finding } from './finding.ts';

/** The key belongs to the account that the app mirrors. */
export async function checkAccount(app: App, { accounts, ports }: Engine, signal: AbortSignal): Promise<Finding[]> {
  const { connector, apiKeyEnv } = app.config;
  const about = { check: 'account', app_key: app.key } as const;
  if (connector.identity === undefined) return [];
  try {
    const { shown, known } = await accounts.look(app, (request) => ask(app, request, ports, signal));
    if (shown === undefined)
      return [
        {
          ...about,
          level: 'warning',
          message: `${connector.metadata.title} does not tell which account the key in ${apiKeyEnv} belongs to`,
          remedy: `take care that ${apiKeyEnv} is never another account's: only a list that shrinks would show it`,
        },
      ];
    assertSame(app, shown, known);
    const message =
      known === null
        ? `the key belongs to ${shown}, of which nothing is read yet`
        : `the key belongs to ${shown}, which is mirrored`;
    return [{ ...about, level: 'ok', message }];
  } catch (error) {
    if (error instanceof WrongAccountError)
      return [
        {
          ...about,
          level: 'error',
          message: describeError(error),
          remedy: `put the right key into ${apiKeyEnv}; to mirror the other account from now on: supasaasy resume ${app.key} --accept-account`,
        },
      ];
    return [
      {
        ...about,
        level: 'warning',
        message: `the account behind the key could not be asked for: ${describeError(error)}`,
        remedy: 'run doctor again',
      },
    ];
  }
}
