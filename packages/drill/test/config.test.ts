import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DrillError } from '../src/case.ts';
import { loadConfig, parseConfig } from '../src/config/load.ts';
import { nearest } from '../src/config/nearest.ts';

function failure(text: string): DrillError {
  try {
    parseConfig(text, 'drill.yaml');
  } catch (error) {
    assert(error instanceof DrillError);
    return error;
  }
  throw new Error('the configuration was accepted');
}

test('a small drill.yaml is completed with the defaults', () => {
  const config = parseConfig('command: node server.js\nroutes:\n  fast: /fast\n', 'drill.yaml');
  assert.deepEqual(config.command, ['node', 'server.js']);
  assert.deepEqual(config.routes.fast, { method: '', path: '/fast' });
  assert.deepEqual(config.ports, { http: 'PORT' });
  assert.equal(config.grace, 5000);
  assert.equal(config.stopSignal, 'SIGTERM');
});

test('durations carry their unit', () => {
  const config = parseConfig('command: x\ngrace: 2.5s\nforce: 300ms\nreadyWithin: 1m\n', 'f');
  assert.deepEqual([config.grace, config.force, config.readyWithin], [2500, 300, 60_000]);
  assert.match(
    failure('command: x\ngrace: 5\n').message,
    /drill\.yaml:2:1: grace: expected a duration.*"30s".*; got 5$/,
  );
  assert.match(failure('command: x\ngrace: "5"\n').message, /with its unit.*got "5"/);
});

test('an unknown key is named with its line, its column and the nearest valid key', () => {
  const text = 'command: x\nroutes:\n  fast: /\n  stram: /stream\n';
  assert.equal(
    failure(text).message,
    'drill.yaml:4:3: unknown key "stram". Did you mean "stream"?',
  );
  assert.match(failure('comand: x\n').message, /1:1: unknown key "comand". Did you mean "command"/);
});

test('a wrong value is named with the key, what was expected and what came', () => {
  assert.match(
    failure('command: x\nstopSignal: SIGTREM\n').message,
    /2:1: stopSignal: expected one of .*got "SIGTREM"\. Did you mean "SIGTERM"/,
  );
  assert.match(
    failure('command: x\nroutes:\n  fast: fast\n').message,
    /3:3: routes\.fast: expected "\/path" or "METHOD \/path"; got "fast"/,
  );
  assert.match(failure('routes: {}\n').message, /command/);
});

/** What is written, and what is said of it after the name of the file. */
const broken: readonly [string, string][] = [
  [
    '',
    '1:1: the file: expected keys with their values, such as `command: node server.js`; got nothing',
  ],
  [
    '- a\n',
    '1:1: the file: expected keys with their values, such as `command: node server.js`; got ["a"]',
  ],
  [
    'command: "  "\n',
    '1:1: command: expected a program and its arguments, such as "node server.js" or [node, server.js]; got "  "',
  ],
  ['command: x\nports: 8080\n', '2:1: ports: expected keys with their values; got 8080'],
  [
    'command: x\nports: {http: 99999}\n',
    '2:9: ports.http: expected an environment variable such as PORT, or a number from 1 to 65535; got 99999',
  ],
  [
    'command: x\nroutes: {fast: 5}\n',
    '2:10: routes.fast: expected "/path" or "METHOD /path"; got 5',
  ],
  [
    'command: x\nenv: {A: {b: 1}}\n',
    '2:7: env.A: expected text, a number or true or false; got {"b":1}',
  ],
  [
    'command: x\nlogPattern: "["\n',
    '2:1: logPattern: expected a regular expression, such as "stopped$"; got "["',
  ],
  ['command: x\nreload: {}\n', '2:1: reload: expected `command` or `signal`; got neither'],
  ['command: x\nareas: []\n', '2:1: areas: Too small: expected array to have >=1 items; got []'],
  [
    'command: x\nskip: [exit/idle]\n',
    '2:1: skip: expected names with their values; got ["exit/idle"]',
  ],
  [
    'command: x\nroutes: *a\n',
    '2:9: not valid YAML: Unresolved alias (the anchor must be set before the alias): a',
  ],
  ['command: x\ncommand: y\n', '2:1: not valid YAML: Map keys must be unique'],
];

for (const [text, said] of broken) {
  test(`${JSON.stringify(text)} is refused with its place, what was expected and what came`, () => {
    assert.equal(failure(text).message, `drill.yaml:${said}`);
  });
}

test('a key that was misspelt is named before what is missing', () => {
  const lines = failure('comand: x\n').message.split('\n');
  assert.match(lines[0] ?? '', /Did you mean "command"/);
  assert.match(lines[1] ?? '', /command: expected a program .*; got nothing/);
});

test('a signal that a reload does not know is refused, with the nearest', () => {
  const { message } = failure('command: x\nreload: {signal: SIGHOP}\n');
  assert.match(message, /2:10: reload\.signal: .*Did you mean "SIGHUP"/);
});

test('numbers in a command and in the environment are taken as they are written', () => {
  const config = parseConfig('command: [python3, -m, http.server, 8000]\nenv: {A: 1}\n', 'f');
  assert.deepEqual(config.command, ['python3', '-m', 'http.server', '8000']);
  assert.deepEqual(config.env, { A: '1' });
});

test('broken YAML is named with its line and column', () => {
  const error = failure('command: [x\nroutes: {}\n');
  assert.equal(error.code, 'CONFIG_SYNTAX');
  assert.match(error.message, /^drill\.yaml:\d+:\d+: not valid YAML/);
});

test('a file that is not there is said plainly', () => {
  assert.throws(() => loadConfig('/nowhere/drill.yaml'), /cannot read \/nowhere\/drill\.yaml/);
});

test('the nearest word is not a far one', () => {
  assert.equal(nearest('upload', ['upload', 'fast']), 'upload');
  assert.equal(nearest('Uplaod', ['upload', 'fast']), 'upload');
  assert.equal(nearest('zzzzzz', ['upload', 'fast']), undefined);
});
