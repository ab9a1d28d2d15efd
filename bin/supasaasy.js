#!/usr/bin/env node
// The sources are TypeScript: tsx teaches Node to read them, in this process and from any directory.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
