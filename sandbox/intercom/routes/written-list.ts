import { Ink } from '../../http/ink.ts';

const PLACE = '\u0001elements';
const [OPEN, CLOSE, COMMA] = [91, 93, 44];
const ink = new Ink();

/** A list as bytes: the envelope gets the place of its elements, which are written one by one. */
export function writtenList(
  envelope: (elements: string) => object,
  indices: readonly number[],
  write: (ink: Ink, index: number) => void,
): Uint8Array<ArrayBuffer> {
  const [before = '', after = ''] = JSON.stringify(envelope(PLACE)).split(JSON.stringify(PLACE));
  ink.utf8(before);
  ink.byte(OPEN);
  for (const [i, index] of indices.entries()) {
    if (i > 0) ink.byte(COMMA);
    write(ink, index);
  }
  ink.byte(CLOSE);
  ink.utf8(after);
  return ink.taken();
}
