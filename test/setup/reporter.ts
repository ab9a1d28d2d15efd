import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/** The last lines of a run: which files took longest, and what was skipped and why. */
export default class EndReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = [...slowest(modules), ...skipped(modules)];
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`);
  }
}

function slowest(modules: readonly TestModule[]): string[] {
  const timed = modules.map((module) => ({ name: nameOf(module), ms: module.diagnostic().duration }));
  const slow = timed.filter(({ ms }) => ms > 5000).sort((a, b) => b.ms - a.ms);
  if (slow.length === 0) return [];
  return [
    ' Slowest files',
    ...slow.slice(0, 10).map(({ name, ms }) => `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${name}`),
  ];
}

function skipped(modules: readonly TestModule[]): string[] {
  const found: string[] = [];
  for (const module of modules) visit(module, nameOf(module), found);
  return found.length === 0 ? [] : [' Skipped', ...found.map((line) => `  ${line}`)];
}

/** A skipped suite is one line, with its reason in its name or its note. */
function visit(parent: TestModule | TestSuite, path: string, found: string[]): void {
  for (const child of parent.children) {
    const name = `${path} > ${child.name}`;
    if (child.type === 'test') {
      const note = reason(child);
      if (note !== undefined) found.push(`${name}${note}`);
    } else if (child.options.mode === 'skip' || child.options.mode === 'todo') {
      found.push(name);
    } else {
      visit(child, name, found);
    }
  }
}

function reason(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state !== 'skipped') return undefined;
  return result.note ? ` (${result.note})` : '';
}

function nameOf(module: TestModule): string {
  return relative(process.cwd(), module.moduleId);
}
