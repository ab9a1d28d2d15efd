#!/usr/bin/env node
import { existsSync } from 'node:fs';
import process from 'node:process';

const program = new URL('../dist/src/cli/main.js', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 12)) {
  process.stderr.write(`supasaasy needs Node 20.19, 22.12 or newer; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else if (!existsSync(program)) {
  process.stderr.write('supasaasy is not built: run "npm ci", or "npm run build" (dist/ is missing)\n');
  process.exitCode = 2;
} else {
  const { main } = await import(program.href);
  await main(process.argv.slice(2));
}
