/** A URL as it may be printed: without user and password, and without its query, which often is a token. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return '(a URL that cannot be read)';
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** Whether a user or a password stands in it. */
export function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return /^[a-z]+:\/\/[^/?#]*@/i.test(text);
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

/** What is said about a URL, without the URL itself and without its parts that may hold a secret. */
export function withoutUrl(said: string, url: URL): string {
  const parts = [url.href, url.pathname + url.search, url.search, url.pathname, url.password, url.username];
  let safe = said;
  for (const part of parts) {
    for (const form of [part, safeDecode(part)]) if (form.length > 3) safe = safe.replaceAll(form, '[url]');
  }
  return safe;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
