import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of a worker, roughly. What is not named is short. */
const SECONDS: Readonly<Record<string, number>> = {
  'test/simulator/simulator.test.ts': 70,
  'test/cli/start.test.ts': 50,
  'test/cli/sync.test.ts': 35,
  'test/properties/convergence.test.ts': 35,
  'test/engine/ranges.test.ts': 30,
  'test/supabase/assembly.test.ts': 30,
  'test/cli/mistakes.test.ts': 28,
  'test/cli/consumers.test.ts': 28,
  'test/cli/query.test.ts': 25,
  'test/cli/live.test.ts': 25,
  'test/feed/store.test.ts': 25,
  'test/connectors/intercom/sync.test.ts': 25,
  'test/feed/sources.test.ts': 24,
  'test/connectors/stripe/conformance.test.ts': 23,
  'test/connectors/intercom/conformance.test.ts': 23,
  'test/feed/loss.test.ts': 21,
  'test/cli/doctor.test.ts': 20,
  'test/feed/consumer.test.ts': 20,
  'test/setup/database.test.ts': 18,
  'test/gate/gate.test.ts': 17,
};

/** Long files begin first, so that no worker is left alone with one. Vitest knows how long they take only where it ran before. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const secondsOf = ({ moduleId, project }: TestSpecification) =>
      SECONDS[relative(project.config.root, moduleId).replaceAll('\\', '/')] ?? 0;
    return (await super.sort(files)).sort((a, b) => secondsOf(b) - secondsOf(a));
  }
}
