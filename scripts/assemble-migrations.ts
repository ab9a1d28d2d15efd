/** `tsx scripts/assemble-migrations.ts [config] [folder]`: what `supasaasy migrations` does, for a checkout. */
import { loadConfig } from '../src/runtime/node/load-config.ts';
import { MIGRATIONS_FOLDER, writeMigrations } from '../src/runtime/supabase/write-migrations.ts';

const [file = 'supasaasy.config.ts', folder = MIGRATIONS_FOLDER] = process.argv.slice(2);
const assembly = await writeMigrations(await loadConfig(file), folder);
console.log(
  assembly.state === 'new'
    ? `${folder}/${assembly.file.name} (${assembly.contains.length} migrations)`
    : `nothing has changed since ${folder}/${assembly.latest}: no new file`,
);
