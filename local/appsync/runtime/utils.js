// What resolvers import as '@aws-appsync/utils', run once per JavaScript context.
// https://docs.aws.amazon.com/appsync/latest/devguide/resolver-util-reference-js.html
//
// Whatever is used after lockdown.js ran is captured here or is in lockdown.js's lists.
(function (seeds) {
  'use strict';
  const parse = JSON.parse;
  const stringify = JSON.stringify;
  const DateOf = Date;
  const RegExpOf = RegExp;
  const evaluate = eval;
  const apply = Reflect.apply;
  const charCodeAt = String.prototype.charCodeAt;
  const normalize = String.prototype.normalize;
  const integer = parseInt;
  const fromCharCode = String.fromCharCode;
  const encodeText = encodeURIComponent;
  const decodeText = decodeURIComponent;
  const toBase64 = btoa;
  const fromBase64 = atob;
  const isArray = Array.isArray;
  const isObject = (value) => value !== null && typeof value === 'object' && !isArray(value);
  const HEX = '0123456789abcdef';
  const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

  let call = null; // the invocation under way
  const modules = {};
  const loaded = {};

  class Abort {
    constructor(error) { this.error = error; }
  }
  class EarlyReturn {
    constructor(value, options) { this.value = value; this.skipTo = (options && options.skipTo) || 'NEXT'; }
  }

  // A small seeded generator: contexts that start in the same microsecond must not agree on ids.
  const state = seeds;
  function random32() {
    const t = (((state[0] + state[1]) | 0) + state[3]) | 0;
    state[3] = (state[3] + 1) | 0;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = (state[2] + (state[2] << 3)) | 0;
    state[2] = (state[2] << 21) | (state[2] >>> 11);
    state[2] = (state[2] + t) | 0;
    return t >>> 0;
  }
  Math.random = () => (random32() >>> 5) / 134217728;

  function autoId() {
    let text = '';
    for (let i = 0; i < 32; i += 1) {
      if (i === 8 || i === 12 || i === 16 || i === 20) text += '-';
      const digit = random32() >>> 28;
      text += i === 12 ? '4' : HEX[i === 16 ? (digit & 3) | 8 : digit];
    }
    return text;
  }

  function autoUlid() {
    let time = call.now;
    let head = '';
    for (let i = 0; i < 10; i += 1) { head = CROCKFORD[time % 32] + head; time = Math.floor(time / 32); }
    let tail = '';
    for (let i = 0; i < 16; i += 1) tail += CROCKFORD[random32() >>> 27];
    return head + tail;
  }

  function utf8(text) {
    return encodeText(text).replace(/%([0-9A-F]{2})/g, (_, hex) => fromCharCode(integer(hex, 16)));
  }
  function fromUtf8(bytes) {
    let escaped = '';
    for (let i = 0; i < bytes.length; i += 1) {
      const code = apply(charCodeAt, bytes, [i]);
      escaped += '%' + HEX[code >> 4] + HEX[code & 15];
    }
    return decodeText(escaped);
  }

  function fail(message, type, data, info) {
    throw new Abort({
      message: message === undefined || message === null ? '' : `${message}`,
      type: type ?? null, data: data ?? null, info: info ?? null,
    });
  }

  const pad = (number, width) => {
    let text = `${number}`;
    while (text.length < width) text = '0' + text;
    return text;
  };

  // https://docs.aws.amazon.com/appsync/latest/devguide/time-helpers-in-util-time-js.html
  function offsetOf(zone) {
    if (zone === undefined || zone === 'UTC' || zone === 'Z') return 0;
    const parts = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
    if (!parts) fail(`time zone ${zone} is not played locally; use UTC or an offset`, 'UnsupportedOperation');
    return (parts[1] === '-' ? -1 : 1) * (integer(parts[2], 10) * 60 + integer(parts[3], 10));
  }
  function formatted(milliseconds, format, zone) {
    const offset = offsetOf(zone);
    const date = new DateOf(milliseconds + offset * 60000);
    const sign = offset < 0 ? '-' : '+';
    const shift = `${pad(Math.floor(Math.abs(offset) / 60), 2)}${pad(Math.abs(offset) % 60, 2)}`;
    return format.replace(/'([^']*)'|yyyy|MM|dd|HH|mm|ss|SSS|XXX|Z/g, (token, quoted) => {
      if (quoted !== undefined) return quoted;
      if (token === 'yyyy') return pad(date.getUTCFullYear(), 4);
      if (token === 'MM') return pad(date.getUTCMonth() + 1, 2);
      if (token === 'dd') return pad(date.getUTCDate(), 2);
      if (token === 'HH') return pad(date.getUTCHours(), 2);
      if (token === 'mm') return pad(date.getUTCMinutes(), 2);
      if (token === 'ss') return pad(date.getUTCSeconds(), 2);
      if (token === 'SSS') return pad(date.getUTCMilliseconds(), 3);
      if (token === 'XXX') return offset === 0 ? 'Z' : `${sign}${shift.slice(0, 2)}:${shift.slice(2)}`;
      return `${sign}${shift}`;
    });
  }
  function parsedIso(text) {
    const value = DateOf.parse(text);
    if (value !== value) fail(`Unable to parse ${text} as an ISO 8601 date-time`, 'IllegalArgument');
    return value;
  }
  const time = {
    nowISO8601: () => new DateOf(call.now).toISOString(),
    nowEpochSeconds: () => Math.floor(call.now / 1000),
    nowEpochMilliSeconds: () => call.now,
    nowFormatted: (format, zone) => formatted(call.now, format, zone),
    parseISO8601ToEpochMilliSeconds: parsedIso,
    epochMilliSecondsToISO8601: (value) => new DateOf(value).toISOString(),
    epochMilliSecondsToSeconds: (value) => Math.floor(value / 1000),
    epochMilliSecondsToFormatted: (value, format, zone) => formatted(value, format, zone),
  };

  const str = {
    toUpper: (text) => text.toUpperCase(),
    toLower: (text) => text.toLowerCase(),
    toReplace: (text, from, to) => text.replaceAll(from, to),
    normalize: (text, form) => normalized(text, form.toUpperCase()),
  };
  const normalized = (text, form) => apply(normalize, text, [form]);

  const math = {
    roundNum: (value) => Math.round(value),
    minVal: (a, b) => Math.min(a, b),
    maxVal: (a, b) => Math.max(a, b),
    randomDouble: () => Math.random(),
    randomWithinRange: (low, high) => low + Math.floor(Math.random() * (high - low)),
  };

  const http = {
    copyHeaders(headers) {
      const copied = {};
      for (const name of Object.keys(headers)) {
        if (!/^(host|connection|content-length|transfer-encoding|x-amz.*|authorization)$/i.test(name)) {
          copied[name] = headers[name];
        }
      }
      return copied;
    },
    addResponseHeader(name, value) { call.headers[name] = value; },
    addResponseHeaders(headers) { Object.assign(call.headers, headers); },
  };

  const util = {
    error: fail,
    appendError(message, type, data, info) {
      call.errors.push({ message: `${message}`, type: type ?? null, data: data ?? null, info: info ?? null });
    },
    unauthorized() { throw new Abort({ unauthorized: true }); },
    validate(condition, message, type, data, info) { if (!condition) fail(message, type ?? 'CustomTemplateException', data, info); },
    authType: () => call.authType,
    autoId, autoUlid,
    autoKsuid: () => autoUlid() + autoUlid().slice(25),
    base64Encode: (text) => toBase64(utf8(text)),
    base64Decode: (text) => fromUtf8(fromBase64(text)),
    urlEncode: (text) => encodeText(text).replace(/%20/g, '+'),
    urlDecode: (text) => decodeText(text.replace(/\+/g, '%20')),
    escapeJavaScript: (text) => stringify(text).slice(1, -1).replaceAll("'", "\\'"),
    matches: (pattern, text) => new RegExpOf(`^(?:${pattern})$`).test(text),
    time, str, math, http,
  };

  const runtime = {
    earlyReturn(value, options) { throw new EarlyReturn(value, options); },
  };

  // https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html
  const asObject = (value) => (typeof value === 'string' ? parse(value) : value);
  const extensions = {
    setSubscriptionFilter(filter) { call.filter = asObject(filter); },
    setSubscriptionInvalidationFilter(filter) { call.invalidationFilter = asObject(filter); },
    invalidateSubscriptions(payload) { call.invalidations.push(asObject(payload)); },
    evictFromApiCache() { return null; },
  };

  const show = (value) => (typeof value === 'string' ? value : stringify(value));
  const log = (level) => (...values) => { call.logs.push(`${level}: ${values.map(show).join(' ')}`); };
  const console = { log: log('INFO'), error: log('ERROR') };

  function settle(outcome, thrown) {
    if (thrown instanceof Abort) outcome.error = thrown.error;
    else if (thrown instanceof EarlyReturn) {
      outcome.result = thrown.value ?? null;
      outcome.skipTo = thrown.skipTo;
    } else {
      outcome.error = { message: 'Runtime Error', type: 'Code', data: null, info: null };
      outcome.logs.push(`ERROR: ${thrown && thrown.message ? `${thrown.name}: ${thrown.message}` : thrown}\n${(thrown && thrown.stack) || ''}`);
    }
  }

  // What the contexts of one operation share comes as text, parsed when it differs from the last.
  let constantText = null;
  let constant = null;
  const some = (list) => (list.length ? list : undefined);

  function invoke(id, handler, givenText, sharedText) {
    const { host, context } = parse(givenText);
    if (sharedText !== constantText) { constant = parse(sharedText); constantText = sharedText; }
    Object.assign(context, constant);
    context.args = context.arguments;
    call = { now: host.now, authType: host.authType, errors: [], logs: [], headers: {}, invalidations: [] };
    const outcome = { logs: call.logs };
    try {
      const value = loaded[id][handler](context);
      outcome.result = value === undefined ? null : value;
    } catch (thrown) {
      settle(outcome, thrown);
    }
    outcome.logs = some(call.logs);
    outcome.stash = context.stash;
    outcome.errors = some(call.errors);
    outcome.headers = call.headers;
    outcome.filter = call.filter;
    outcome.invalidationFilter = call.invalidationFilter;
    outcome.invalidations = some(call.invalidations);
    call = null;
    return stringify(outcome);
  }

  // `source` is `(function (imports) { ...; return {request, response}; })`.
  function load(id, source) {
    loaded[id] = evaluate(source)(modules);
    return stringify(Object.keys(loaded[id]).filter((name) => typeof loaded[id][name] === 'function'));
  }

  modules['@aws-appsync/utils'] = { util, runtime, extensions };
  Object.assign(globalThis, { util, runtime, extensions, console });
  globalThis.__host = { invoke, load, modules, util, parse, isArray, isObject, fail };
})
