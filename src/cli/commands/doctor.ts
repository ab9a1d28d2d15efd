import { Command } from 'commander';
import type { DefineCommand } from '../command.ts';

export const doctor: DefineCommand = () => new Command('doctor');
