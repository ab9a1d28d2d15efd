/** A computed object with its own attributes over it; those that it does not have come before the key `before`. */
export function overlay(
  computed: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
  before: string,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  let over = true;
  for (const [key, value] of Object.entries(computed)) {
    if (key === before) {
      Object.assign(shown, own);
      over = false;
    }
    shown[key] = over && key in own ? own[key] : value;
  }
  return shown;
}
