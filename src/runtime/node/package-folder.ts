import { existsSync, readFileSync } from 'node:fs';
import { folderBeside } from '../../kit/folder-beside.ts';

/** The folder of this package: `package.json` is in it. The compiled modules lie one folder deeper than the sources. */
export function packageFolder(): URL {
  const folders = ['../../../', '../../../../'].map((path) => folderBeside(import.meta.url, path));
  const found = folders.find((folder) => existsSync(new URL('package.json', folder)));
  if (found === undefined) throw new Error('the folder of supasaasy is not found: it was bundled into another program');
  return found;
}

export function readManifest(): unknown {
  return JSON.parse(readFileSync(new URL('package.json', packageFolder()), 'utf8'));
}

export function readVersion(): string {
  const manifest = readManifest();
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
