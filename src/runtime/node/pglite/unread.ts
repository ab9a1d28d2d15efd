/** Key of JSON that is still text. */
export const UNREAD = '\u0000unread';

/**
 * JSON with a number that may not be exact is read on the other side (`parseJson`): its numbers are objects of a class,
 * which do not cross between threads. So is JSON that has our key for one of its own.
 */
export function readJson(text: string): unknown {
  return /(?:^|[:[,\s])-?(?:[\d.]{16}|[\d.]+[eE])/.test(text) || /unread"/.test(text)
    ? { [UNREAD]: text }
    : JSON.parse(text);
}
