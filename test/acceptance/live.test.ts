import { expect, it } from 'vitest';
import { runLive } from '../../scripts/live-verify/run-live.ts';
import { describeEachDatabase } from '../setup/database.ts';
import '../http/hosted.ts';

describeEachDatabase('a live run with deliveries doubled, reordered and 5 % lost', (make) => {
  it('ends with every collection equal after one incremental run and one audit', { timeout: 1_200_000 }, async () => {
    const { database } = await make({ template: 'both connectors' });
    const report = await runLive({ database, changes: 50, customers: 16, contacts: 24, seed: 7 });
    for (const stats of Object.values(report.deliveries))
      expect(stats).toMatchObject({ refused: 0, failed: 0, dropped: expect.toSatisfy((n: number) => n > 0) });
    // Webhooks alone cannot be enough, or nothing is proven.
    expect(report.differences.after_events).not.toEqual({});
    expect(Object.keys(report.differences.after_incremental).filter((name) => name.startsWith('stripe'))).toEqual([]);
    expect(report.differences.after_audit).toEqual({});
    expect(report.equal).toBe(true);
  });
});
