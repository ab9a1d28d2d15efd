import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectorCases } from '../../src/testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { hostile } from './hostile.ts';
import { type PlantedBug, planted, sabotage } from './sabotage.ts';

describe('every check of the conformance kit can fail', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase('pglite', { template: ACME_TEMPLATE });
  });
  afterAll(async () => await db.close());

  it('knows how to fail each of them', () => {
    expect([...Object.keys(sabotage), ...Object.keys(planted)].sort()).toEqual(
      connectorCases.map(({ title }) => title).sort(),
    );
    expect(connectorCases.length).toBeGreaterThanOrEqual(48);
  });

  for (const { title, run } of connectorCases) {
    const make = sabotage[title];
    const bug = planted[title];
    if (make !== undefined)
      it(`“${title}” fails on a connector that gets it wrong`, async () => {
        await expect(run({ ...make(), database: async () => db.database })).rejects.toThrow();
      });
    if (bug !== undefined)
      it(`“${title}” fails in an engine that gets it wrong`, async () => {
        const mend = await plant(bug);
        try {
          await expect(run({ ...hostile({}), database: async () => db.database })).rejects.toThrow();
        } finally {
          await mend();
        }
      });
  }

  async function plant({ routine, find, replace }: PlantedBug): Promise<() => Promise<void>> {
    const [found] = await db.query<{ text: string }>(
      `select pg_get_functiondef(oid) as text from pg_proc where pronamespace = 'supasaasy'::regnamespace and proname = $1`,
      [routine],
    );
    const text = found?.text ?? '';
    expect(text).toContain(find);
    await db.query(text.replace(find, replace));
    return async () => void (await db.query(text));
  }
});
