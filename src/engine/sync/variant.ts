import type { Position, Resource } from '../../kit/resource.ts';
import type { TaskInput } from '../store.ts';

/** The part of a list that a task reads, where the list is read in parts. */
export function variantOf({ list, incremental }: Resource, { variant, silent }: TaskInput): Position['variant'] {
  if (silent === undefined) return variant === undefined ? undefined : list?.variants?.[variant];
  const found = incremental.by === 'events' ? incremental.silent : undefined;
  return found?.by === 'list' ? found.variants?.[silent] : undefined;
}
