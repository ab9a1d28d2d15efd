#!/usr/bin/env node
// The sources are TypeScript: tsx teaches Node to read them, in this process and from any directory.
import { register as registerHooks } from 'node:module';
import { register } from 'tsx/esm/api';

register();
registerHooks('./typescript-is-esm.js', import.meta.url);
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
