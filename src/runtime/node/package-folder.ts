import { existsSync, readFileSync } from 'node:fs';

/** The folder of this package: `package.json` is in it. The compiled modules lie one folder deeper than the sources. */
export const PACKAGE = new URL(
  ['../../../', '../../../../'].find((path) => existsSync(new URL(`${path}package.json`, import.meta.url))) ?? './',
  import.meta.url,
);

export function readManifest(): unknown {
  return JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'));
}

export function readVersion(): string {
  const manifest = readManifest();
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
