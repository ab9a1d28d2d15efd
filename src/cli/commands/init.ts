import { Command } from 'commander';
import type { DefineCommand } from '../command.ts';

export const init: DefineCommand = () => new Command('init');
