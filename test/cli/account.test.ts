import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { ask, createFolder, dataDir, ONE_APP, removeFolder, run } from './cli.ts';

/** Ids of two accounts, each with a key and behind a server of its own. */
const OURS = 'acct_1OursOursOurs00';
const THEIRS = 'acct_1TheirsTheirs0';

describe("another account's key", { timeout: 120_000 }, () => {
  const servers: SandboxServer[] = [];
  let folder: string;
  let ours: Record<string, string>;
  let theirs: Record<string, string>;
  beforeAll(async () => {
    folder = createFolder(ONE_APP);
    const serve = async (accountId: string, seed: number) => {
      const sandbox = createStripeSandbox({
        accountId,
        apiKey: `sk_test_sandbox${seed}`,
        seed,
        size: { customers: 16 },
      });
      const server = await serveSandbox(sandbox);
      servers.push(server);
      return { SHOP_KEY: sandbox.apiKey, SHOP_SECRET: 'whsec_1234567890', SHOP_URL: server.url };
    };
    ours = await serve(OURS, 1);
    theirs = await serve(THEIRS, 2);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    removeFolder(folder);
  });
  const cli = (args: string[], env: Record<string, string>) => run(args, { cwd: folder, env });
  const rows = async () =>
    await ask(
      dataDir(folder),
      'select collection_key, external_id, payload_hash from supasaasy.entities order by 1, 2',
    );

  it('A33: is refused by sync and audit, in one message that names both; resume --accept-account lets it in', async () => {
    expect((await cli(['sync', 'shop', '--mode', 'full'], ours)).code).toBe(0);
    const mirrored = await rows();
    const named = new RegExp(`belongs to ${THEIRS} \\(test mode\\), but shop mirrors ${OURS} \\(test mode\\)`);

    const sync = await cli(['sync', 'shop', '--json'], theirs);
    expect([sync.code, JSON.parse(sync.stdout)]).toMatchObject([
      1,
      { status: 'refused', error: expect.stringMatching(named) },
    ]);
    expect(sync.stderr.match(new RegExp(named, 'g'))).toHaveLength(1);
    const audit = await cli(['audit', 'shop', '--repair'], theirs);
    expect(audit.code).toBe(1);
    expect(audit.stdout + audit.stderr).toMatch(named);
    expect(await rows()).toEqual(mirrored);

    const accepted = await cli(['resume', 'shop', '--accept-account'], theirs);
    expect([accepted.code, accepted.stdout]).toEqual([
      0,
      expect.stringMatching(`mirrors ${THEIRS}.*--allow-mass-delete`),
    ]);
  });
});
