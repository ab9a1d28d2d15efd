import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { refreshDist } from '../../scripts/build/refresh.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Vitest's global set-up: what tests start as programs, and the thread of PGlite, is compiled from the sources under test. */
export default function setup(project: TestProject): void {
  refreshDist(ROOT);
  project.onTestsRerun(async () => void refreshDist(ROOT));
}
