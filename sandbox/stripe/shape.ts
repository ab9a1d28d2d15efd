/**
 * An object as a literal with slots. It is compiled once into fixed JSON text with gaps, so that writing one
 * object is a few concatenations: 100 customers take about a tenth of a millisecond instead of a whole one.
 */
export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

export class Slot<F> {
  readonly write: (facts: F) => string;
  constructor(write: (facts: F) => string) {
    this.write = write;
  }
}

/** A text without anything to escape: ids, codes, URLs. */
export const plain = <F>(of: (facts: F) => string | null): Slot<F> =>
  new Slot((facts) => {
    const text = of(facts);
    return text === null ? 'null' : `"${text}"`;
  });

export const number = <F>(of: (facts: F) => number | null): Slot<F> => new Slot((facts) => `${of(facts)}`);

export const boolean = <F>(of: (facts: F) => boolean): Slot<F> => new Slot((facts) => (of(facts) ? 'true' : 'false'));

/** Anything that JSON can say; in ASCII (see `SandboxAnswer.ascii`). */
export const json = <F>(of: (facts: F) => Json): Slot<F> => new Slot((facts) => asciiJson(of(facts)));

export function asciiJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON text made elsewhere. */
export const text = <F>(of: (facts: F) => string): Slot<F> => new Slot(of);

export function compileShape<F>(shape: object): (facts: F) => string {
  const slots: ((facts: F) => string)[] = [];
  const marked = JSON.stringify(shape, (_key, value: unknown) => {
    if (!(value instanceof Slot)) return value;
    slots.push(value.write as (facts: F) => string);
    return '\u0001slot';
  });
  const parts = marked.split('"\\u0001slot"');
  return (facts) => {
    let out = parts[0] as string;
    for (let i = 0; i < slots.length; i++) out += (slots[i] as (facts: F) => string)(facts) + (parts[i + 1] as string);
    return out;
  };
}
