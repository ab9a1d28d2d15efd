import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import type { SandboxProvider } from '../../sandbox/http/provider.ts';
import { applyMigrations } from '../../src/engine/migrate.ts';
import type { Connector } from '../../src/kit/connector.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import type { ConnectorSubject } from '../../src/testing/index.ts';
import { createTestDatabase, registerTemplate } from '../setup/database.ts';

interface Account {
  readonly sandbox: SandboxProvider;
  readonly apiKey: string;
  readonly webhookSecret: string;
}

const MORNING_MS = Date.UTC(2026, 2, 1, 9);
const BETWEEN_CHANGES_MS = 400;

/** A connector before its emulated provider, whose clock moves with each change only: two or three come in a second. */
export function onTrial(connector: Connector, open: (nowMs: () => number) => Account): ConnectorSubject {
  const template = `trial of ${connector.metadata.name}`;
  registerTemplate(template, async (database) => {
    await applyMigrations(database, await readMigrations([connector]));
  });
  return {
    connector,
    account: () => {
      let nowMs = MORNING_MS;
      const now = () => nowMs;
      const { sandbox, ...secrets } = open(now);
      return {
        ...secrets,
        now,
        fetch: sandboxFetch(sandbox, { nowMs: now }),
        objects: sandbox.objects,
        mutate() {
          nowMs += BETWEEN_CHANGES_MS;
          return sandbox.mutate();
        },
      };
    },
    database: async () => (await createTestDatabase('pglite', { template })).database,
  };
}
