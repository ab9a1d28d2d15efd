import { descriptionCases } from './connector/description.ts';
import { evidenceCases } from './connector/evidence.ts';
import { faultCases } from './connector/faults.ts';
import { limitCases } from './connector/limits.ts';
import { mirroringCases } from './connector/mirroring.ts';
import type { ConnectorCase, ConnectorSubject } from './connector/subject.ts';
import { webhookCases } from './connector/webhooks.ts';

/** Every sentence that is true of a good connector. */
export const connectorCases: readonly ConnectorCase[] = [
  ...descriptionCases,
  ...limitCases,
  ...webhookCases,
  ...mirroringCases,
  ...evidenceCases,
  ...faultCases,
];

/** The functions of a test runner: vitest's, or `node:test`'s. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it: ((name: string, body: () => Promise<void>, timeoutMs?: number) => unknown) & {
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

/**
 * Registers the whole suite for one connector.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * connectorConformance({ describe, it }, { connector, account, database });
 * ```
 */
export function connectorConformance({ describe, it }: TestRunner, subject: ConnectorSubject): void {
  describe(`the connector ${subject.connector.metadata.name}`, () => {
    for (const group of new Set(connectorCases.map((one) => one.group))) {
      describe(group, () => {
        for (const { title, run } of connectorCases.filter((one) => one.group === group)) {
          const reason = subject.cannot?.[title];
          if (reason === undefined) it(title, () => run(subject), 120_000);
          else it.skip(`${title} (${reason})`, () => run(subject));
        }
      });
    }
  });
}
