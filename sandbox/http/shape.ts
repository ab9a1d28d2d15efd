import { asciiBytes, Ink } from './ink.ts';

/**
 * An object as a literal with slots. It is compiled once into fixed bytes with gaps, so that writing one object is
 * copying pieces: 100 invoices (350 kB) take about a fifth of what they take as texts.
 */
export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };
export type Write<F> = (ink: Ink, facts: F) => void;

/** Called, it gives the text. */
export interface Shape<F> {
  (facts: F): string;
  readonly into: Write<F>;
}

export class Slot<F> {
  readonly write: Write<F>;
  /** Whether quotation marks belong around it. */
  readonly quoted: boolean;
  constructor(write: Write<F>, quoted = false) {
    this.write = write;
    this.quoted = quoted;
  }
}

const QUOTE = 34;
const [NULL, TRUE, FALSE] = ['null', 'true', 'false'].map(asciiBytes) as [Uint8Array, Uint8Array, Uint8Array];

/** A text without anything to escape: codes, states, words. */
export const plain = <F>(of: (facts: F) => string | null): Slot<F> =>
  new Slot((ink, facts) => {
    const text = of(facts);
    if (text === null) {
      ink.copy(NULL);
      return;
    }
    ink.byte(QUOTE);
    ink.ascii(text);
    ink.byte(QUOTE);
  });

/** A text of fixed pieces, ids and numbers. */
export const spelled = <F>(...pieces: readonly (string | Slot<F>)[]): Slot<F> => {
  const writes = pieces.map((piece): Write<F> => {
    if (typeof piece !== 'string') return piece.write;
    const bytes = asciiBytes(piece);
    return (ink) => ink.copy(bytes);
  });
  return new Slot((ink, facts) => {
    for (let i = 0; i < writes.length; i++) (writes[i] as Write<F>)(ink, facts);
  }, true);
};

/** One of a few values, whatever JSON can say; they are turned into bytes once. */
export const oneOf = <F>(values: readonly Json[], hash: (facts: F) => number): Slot<F> => {
  const bytes = values.map((value) => new Uint8Array(Buffer.from(JSON.stringify(value))));
  return new Slot((ink, facts) => ink.copy(bytes[hash(facts) % bytes.length] as Uint8Array));
};

/** `null` (or another fixed value) where it is so, else what the slot says. */
export const nullIf = <F>(isNull: (facts: F) => boolean, slot: Slot<F>, value: Json = null): Slot<F> => {
  const fixed = asciiBytes(asciiJson(value));
  return new Slot((ink, facts) => {
    if (isNull(facts)) ink.copy(fixed);
    else {
      if (slot.quoted) ink.byte(QUOTE);
      slot.write(ink, facts);
      if (slot.quoted) ink.byte(QUOTE);
    }
  });
};

export const number = <F>(of: (facts: F) => number | null): Slot<F> =>
  new Slot((ink, facts) => {
    const value = of(facts);
    if (value === null) ink.copy(NULL);
    else ink.number(value);
  });

export const boolean = <F>(of: (facts: F) => boolean): Slot<F> =>
  new Slot((ink, facts) => ink.copy(of(facts) ? TRUE : FALSE));

/** Anything that JSON can say; in ASCII (see `Ink`). */
export const json = <F>(of: (facts: F) => Json): Slot<F> => new Slot((ink, facts) => ink.ascii(asciiJson(of(facts))));

export function asciiJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON made elsewhere: as text, or written by the one who makes it. */
export const text = <F>(of: (facts: F) => string): Slot<F> => new Slot((ink, facts) => ink.ascii(of(facts)));
export const written = <F>(write: Write<F>): Slot<F> => new Slot(write);

export function compileShape<F>(shape: object): Shape<F> {
  const writes: Write<F>[] = [];
  const marked = JSON.stringify(shape, (_key, value: unknown) => {
    if (!(value instanceof Slot)) return value;
    writes.push(value.write as Write<F>);
    return value.quoted ? '\u0001inside' : '\u0001slot';
  });
  const [first = new Uint8Array(), ...rest] = marked.split(/"\\u0001slot"|\\u0001inside/).map(asciiBytes);
  const into: Write<F> = (ink, facts) => {
    ink.copy(first);
    for (let i = 0; i < writes.length; i++) {
      (writes[i] as Write<F>)(ink, facts);
      ink.copy(rest[i] as Uint8Array);
    }
  };
  const ink = new Ink();
  const asText = (facts: F) => {
    ink.at = 0;
    into(ink, facts);
    return ink.text();
  };
  return Object.assign(asText, { into });
}
