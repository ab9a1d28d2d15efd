/** Remembers the answer to the latest question: the slots of one object ask the same one after the other. */
export function latest<T>(of: (position: number) => T): (position: number) => T {
  let asked = Number.NaN;
  let answer: T;
  return (position) => {
    if (position !== asked) {
      answer = of(position);
      asked = position;
    }
    return answer;
  };
}
