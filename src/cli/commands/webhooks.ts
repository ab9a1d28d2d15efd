import { Command } from 'commander';
import type { DefineCommand } from '../command.ts';

export const webhooks: DefineCommand = () => new Command('webhooks');
