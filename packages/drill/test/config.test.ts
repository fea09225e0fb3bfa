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
  assert.match(failure('command: x\ngrace: 5\n').message, /drill\.yaml:2:1: grace: .*string/);
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
