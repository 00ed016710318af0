// Client models by AWS's own generator: `node modelgen/clients.mjs TARGET FOLDER`.
//
// TARGET is javascript (web), typescript, swift, dart (Flutter), java (Android: the generator's
// models for Kotlin apps are Java classes) or introspection.
// https://docs.amplify.aws/gen1/javascript/tools/cli-legacy/codegen/ describes what it writes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import generator from '@aws-amplify/graphql-generator';

const [target, folder] = process.argv.slice(2);
const repository = dirname(dirname(fileURLToPath(import.meta.url)));

if (!target || !folder) {
  console.error('usage: node modelgen/clients.mjs TARGET FOLDER');
  process.exit(2);
}
const schema = readFileSync(join(repository, 'appsync_src', 'schema.graphql'), 'utf8');
const files = await generator.generateModels({ schema, target, isDataStoreEnabled: true });
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content.trimEnd() + '\n');
}
console.log(`${target}: ${Object.keys(files).length} files in ${folder}`);
