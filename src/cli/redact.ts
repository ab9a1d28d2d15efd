import { trimUnseen } from '../engine/secret-value.ts';

/** Whatever is printed, no secret of the environment is in it (I9): a last net below all others. */
export function redact(text: string, env: Readonly<Record<string, string | undefined>>): string {
  let safe = text;
  for (const secret of secretsOf(env)) safe = safe.replaceAll(secret, '[secret]');
  return safe;
}

function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env)
    .flatMap(([name, value = '']) => {
      if (/(_|^)(KEY|SECRET|TOKEN|PASSWORD)S?$/.test(name)) return [value, trimUnseen(value)];
      return /^(DATABASE|SUPABASE_DB)_URL$/.test(name) ? passwordsOf(value) : [];
    })
    .filter((secret) => secret.length >= 6);
}

/** As it stands in the URL, and as it is meant. */
function passwordsOf(url: string): string[] {
  // To the last @: a password that is not percent-encoded may have one.
  const written = /^\s*[a-z]+:\/\/[^:@]*:(.*)@/s.exec(url)?.[1] ?? '';
  try {
    return [written, decodeURIComponent(written)];
  } catch {
    return [written];
  }
}
