// What APPSYNC_JS refuses, by AWS's own plugin, with the rules that need types.
// https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-overview-js.html
import appsync from '@aws-appsync/eslint-plugin';

export default [
  { ignores: ['**/*.mjs'] },
  { languageOptions: { parserOptions: { projectService: true } } },
  appsync.configs.recommended,
];
