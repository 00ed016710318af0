// Takes away what APPSYNC_JS does not have.
// https://docs.aws.amazon.com/appsync/latest/devguide/supported-features.html
(function () {
  'use strict';
  const parse = JSON.parse;
  const statics = Object.getOwnPropertyNames;
  const describe = Object.getOwnPropertyDescriptor;
  const lists = [
    [String.prototype, ['length', 'constructor', 'charAt', 'concat', 'endsWith', 'includes', 'indexOf', 'lastIndexOf', 'replace', 'replaceAll', 'slice', 'split', 'startsWith', 'toLowerCase', 'toUpperCase', 'toString', 'valueOf', 'trim', 'trimEnd', 'trimStart']],
    [String, ['length', 'name', 'prototype', 'raw']],
    [Array.prototype, ['length', 'constructor', 'concat', 'fill', 'flat', 'includes', 'indexOf', 'join', 'lastIndexOf', 'pop', 'push', 'reverse', 'shift', 'slice', 'sort', 'splice', 'unshift', 'forEach', 'map', 'flatMap', 'filter', 'reduce', 'reduceRight', 'find', 'some', 'every', 'findIndex', 'findLast', 'findLastIndex', 'toString']],
    [Array, ['length', 'name', 'prototype', 'isArray']],
    [Number, ['length', 'name', 'prototype', 'isFinite', 'isNaN']],
    [Number.prototype, ['constructor', 'toString', 'valueOf', 'toFixed']],
    [Math, ['random', 'min', 'max', 'round', 'floor', 'ceil', 'abs']],
    [Function.prototype, ['length', 'name', 'toString']],
    [Object.prototype, ['constructor', 'hasOwnProperty', 'toString', 'valueOf']],
    [Object, ['length', 'name', 'prototype', 'assign', 'entries', 'hasOwn', 'keys', 'values']],
  ];
  for (const [owner, names] of lists) {
    for (const name of statics(owner)) {
      const property = describe(owner, name);
      let kept = false;
      for (const each of names) kept = kept || each === name;
      if (!kept && property.configurable) delete owner[name];
    }
  }
  // "returns a blank string if the parsed string is not valid JSON"
  JSON.parse = (text) => {
    try { return parse(text); } catch { return ''; }
  };
  const globals = ['Object', 'Array', 'String', 'Number', 'Boolean', 'Math', 'JSON', 'console', 'util', 'runtime', 'extensions', 'NaN', 'Infinity', 'undefined', 'globalThis'];
  for (const name of statics(globalThis)) {
    let kept = false;
    for (const each of globals) kept = kept || each === name;
    if (!kept) delete globalThis[name];
  }
})
