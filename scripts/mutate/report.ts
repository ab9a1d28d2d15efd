import { dirname } from 'node:path';
import type { Accepted } from './accepted.ts';
import type { Outcome } from './mutant.ts';

/** Folders and files that have a goal of their own, in percent. */
export const GOALS = { typescript: 85, sql: 80 } as const;

/** Killed, of those that count: what cannot run and what is accepted do not. */
export function scoreOf(
  outcomes: readonly Outcome[],
  accepted: ReadonlyMap<string, Accepted>,
): { killed: number; counted: number; percent: number } {
  const counted = outcomes.filter(
    ({ verdict, mutant }) =>
      verdict !== 'invalid' && (verdict === 'killed' || verdict === 'timeout' || !accepted.has(mutant.id)),
  );
  const killed = counted.filter(({ verdict }) => verdict === 'killed' || verdict === 'timeout').length;
  return { killed, counted: counted.length, percent: counted.length === 0 ? 100 : (100 * killed) / counted.length };
}

export function describeScores(outcomes: readonly Outcome[], accepted: ReadonlyMap<string, Accepted>): string[] {
  const groups = new Map<string, Outcome[]>();
  const put = (name: string, outcome: Outcome) => groups.set(name, [...(groups.get(name) ?? []), outcome]);
  for (const outcome of outcomes) {
    const { language, file } = outcome.mutant;
    put(language === 'sql' ? 'ALL SQL' : 'ALL TypeScript', outcome);
    put(language === 'sql' ? file : dirname(file), outcome);
  }
  const count = (list: readonly Outcome[], verdict: Outcome['verdict']) =>
    String(list.filter((one) => one.verdict === verdict).length).padStart(8);
  return [
    `${'score'.padStart(7)}${'mutants'.padStart(8)}${'killed'.padStart(8)}${'timeout'.padStart(8)}${'survived'.padStart(9)}${'unreached'.padStart(10)}${'invalid'.padStart(8)}`,
    ...[...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, list]) => {
        const { percent } = scoreOf(list, accepted);
        return `${percent.toFixed(1).padStart(6)}%${String(list.length).padStart(8)}${count(list, 'killed')}${count(list, 'timeout')} ${count(list, 'survived')}  ${count(list, 'unreached')}${count(list, 'invalid')}  ${name}`;
      }),
  ];
}

export function describeSurvivor({ mutant, verdict, cut }: Outcome): string {
  const { id, file, line, mutator, original, replacement } = mutant;
  const flat = (text: string) => (text.length > 160 ? `${text.slice(0, 157)}...` : text).replaceAll(/\s*\n\s*/g, ' ');
  const note = verdict === 'unreached' ? ', no test reaches it' : cut ? ', not all tests tried' : '';
  return `${file}:${line}  ${mutator} (${id}${note})\n  - ${flat(original)}\n  + ${flat(replacement)}`;
}
