import { Slot } from '../http/shape.ts';
import { partCode } from './ids.ts';
import type { PartName, TableName } from './population.ts';
import type { World } from './resource.ts';

/** The id of an object, in quotation marks; never made as a text. */
export const id = <F>(w: World, table: TableName, position: (facts: F) => number): Slot<F> => {
  const codec = w.codec[table];
  return new Slot((ink, facts) => codec.write(ink, position(facts)), true);
};

/** The same of an object that lives inside another one. */
export const partId = <F>(
  w: World,
  part: PartName,
  owner: (facts: F) => number,
  place: (facts: F) => number,
): Slot<F> => {
  const codec = w.partCodec[part];
  return new Slot((ink, facts) => codec.write(ink, partCode(owner(facts), place(facts))), true);
};
