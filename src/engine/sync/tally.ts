import type { Task } from '../store.ts';

/**
 * Counts the tasks under way here, by run and resource. A run is told of an end by whoever ends last: while its
 * neighbours read the same list there is nothing that it could go on to. Single objects tell nothing.
 */
export function createTally() {
  const working = new Map<string, number>();
  const counts = (task: Task) => task.kind !== 'retrieve' && task.kind !== 'children';
  const keyOf = (task: Task) => `${task.run_id}/${task.resource}`;
  return {
    begin(task: Task): void {
      if (counts(task)) working.set(keyOf(task), (working.get(keyOf(task)) ?? 0) + 1);
    },
    /** True when it was the last one. */
    end(task: Task): boolean {
      if (!counts(task)) return false;
      const left = (working.get(keyOf(task)) ?? 1) - 1;
      if (left > 0) working.set(keyOf(task), left);
      else working.delete(keyOf(task));
      return left === 0;
    },
  };
}
