/** Form-encoded bodies as Stripe reads them: `a[b]=1`, `a[]=1`, `a[0][b]=1`. Values stay texts. */
export type FormValue = string | FormValue[] | { [key: string]: FormValue };

export function parseForm(body: string): Record<string, FormValue> {
  const root: Record<string, FormValue> = {};
  for (const [key, value] of new URLSearchParams(body)) {
    const path = [...key.matchAll(/^[^[]+|\[([^\]]*)\]/g)].map((match) => match[1] ?? match[0]);
    let at: Record<string, FormValue> = root;
    for (const [i, part] of path.entries()) {
      const name = part === '' || part === '[]' ? String(Object.keys(at).length) : part;
      if (i === path.length - 1) at[name] = value;
      else {
        const next = at[name];
        const inner = typeof next === 'object' && !Array.isArray(next) ? next : {};
        at[name] = inner;
        at = inner;
      }
    }
  }
  return asLists(root) as Record<string, FormValue>;
}

/** Objects whose keys are 0, 1, 2 … were lists. */
function asLists(value: FormValue): FormValue {
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, asLists(inner)] as const);
  const isList = entries.length > 0 && entries.every(([key], i) => key === String(i));
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
