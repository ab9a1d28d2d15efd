import { InvalidArgumentError } from 'commander';

/** 0, 1, 2 … */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be a whole number, 0 or more');
  return Number(text);
}

/** 1, 2, 3 … */
export function parsePositive(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError('must be a whole number, 1 or more');
  return count;
}

/** One of a few words. */
export function parseWord<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((each) => each === text);
    if (word === undefined) throw new InvalidArgumentError(`must be ${words.join(' or ')}`);
    return word;
  };
}

/** For an option that may be given several times, or once with commas. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').map((part) => part.trim())].filter((part) => part !== '');
}
