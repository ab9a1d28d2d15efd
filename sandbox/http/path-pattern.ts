/** `*` stands for any characters; a pattern must match the whole path. */
export function matchesPath(pattern: string, path: string): boolean {
  if (!pattern.includes('*')) return pattern === path;
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts[parts.length - 1] ?? '';
  if (!path.startsWith(first) || path.length < first.length + last.length || !path.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = path.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= path.length - last.length;
}

/** `/v1/customers/cus_1/tax_ids` → `/v1/customers/:id/tax_ids`: what requests are counted by. */
export function pathClass(path: string): string {
  return path.replace(/\/(?=[^/]*[0-9A-Z])(?:[a-z]{1,12}_[A-Za-z0-9_]{6,}|[A-Za-z0-9-]{8,}|\d+)(?=\/|$)/g, '/:id');
}
