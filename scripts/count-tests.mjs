/** Prints `N passed, N failed` of Vitest's JSON reports. A file that did not load counts as one failure. */
import { readFileSync } from 'node:fs';

const counts = { passed: 0, failed: 0 };
const files = process.argv.slice(2);
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    for (const { status, assertionResults } of report.testResults) {
      for (const test of assertionResults) if (test.status in counts) counts[test.status] += 1;
      if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) counts.failed += 1;
    }
  } catch (error) {
    console.error(`no report of the tests: ${error.message}`);
    counts.failed += 1;
  }
}
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed`);
