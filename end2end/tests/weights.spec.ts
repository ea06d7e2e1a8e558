// What a browser has to fetch, in bytes over the wire.
import { readdirSync } from 'node:fs';
import { get, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { PROJECT } from './servers';

/** The most that may come for HTML and style of the login page, for its scripts, and for the one that passkeys need. */
const MOST = { page: 8_000, scripts: 110_000, passkeys: 2_000 };
const PASSKEYS = '/passkeys.js';
const ENCODINGS = ['identity', 'gzip', 'br'] as const;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: number;
}

test('the pages are light, and what they need is fetched once', async ({ baseURL }) => {
  const files = readdirSync(join(PROJECT, 'target/site'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(PROJECT, 'target/site').length));
  const pages = ['/', '/auth/login', '/auth/signup', '/auth/reset-password'];
  const table = new Map<string, Answer[]>();
  for (const path of [...pages, ...files.sort()]) {
    table.set(path, await Promise.all(ENCODINGS.map((encoding) => fetchRaw(`${baseURL}${path}`, encoding))));
  }

  console.log(row('file', ENCODINGS.map((encoding) => (encoding === 'identity' ? 'plain' : encoding)), 'cached'));
  for (const [path, answers] of table) {
    console.log(row(path, answers.map(({ bytes }) => `${bytes}`), answers[0].headers['cache-control']!));
  }
  const lightest = (path: string) => table.get(path)!.at(-1)!.bytes;
  const ofKind = (kind: string) => files.filter((file) => file.startsWith('/pkg/') && file.endsWith(kind));
  const page = lightest('/auth/login') + sum(ofKind('.css').map(lightest));
  const scripts = sum([...ofKind('.js'), ...ofKind('.wasm')].map(lightest));
  const passkeys = lightest(PASSKEYS);
  console.log(
    `Login page, HTML and style: ${page} of ${MOST.page} bytes. Scripts: ${scripts} of ${MOST.scripts} bytes, ` +
      `and for passkeys ${passkeys} of ${MOST.passkeys}.`,
  );

  expect(passkeys).toBeLessThanOrEqual(MOST.passkeys);
  expect(page).toBeLessThanOrEqual(MOST.page);
  expect(scripts).toBeLessThanOrEqual(MOST.scripts);
  for (const [path, answers] of table) {
    for (const { status } of answers) expect(status, path).toBe(200);
  }
  expect(ofKind('.css').length, 'style sheets').toBe(1);
  for (const [kind, type] of [['.js', 'text/javascript'], ['.wasm', 'application/wasm'], ['.css', 'text/css']]) {
    for (const file of ofKind(kind)) {
      expect(file, 'a hash in the name').toMatch(/\.[\w-]{16,}\.\w+$/);
      for (const [n, { headers }] of table.get(file)!.entries()) {
        expect(headers['content-type']).toContain(type);
        expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
        expect(headers['content-encoding']).toBe(ENCODINGS[n] === 'identity' ? undefined : ENCODINGS[n]);
      }
    }
  }
  // No hash in its name: a browser keeps it, and asks whether it has changed.
  for (const [n, { headers }] of table.get(PASSKEYS)!.entries()) {
    expect(headers['content-type']).toContain('text/javascript');
    expect(headers['cache-control']).toBe('public, no-cache');
    expect(headers.etag).toBeTruthy();
    expect(headers['content-encoding']).toBe(ENCODINGS[n] === 'identity' ? undefined : ENCODINGS[n]);
  }
});

/** An answer as it comes over the wire. */
function fetchRaw(url: string, encoding: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { Accept: 'text/html,*/*', 'Accept-Encoding': encoding };
    get(url, { headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, bytes }));
    }).on('error', reject);
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function row(name: string, weights: string[], cached: string): string {
  return [name.padEnd(44), ...weights.map((weight) => weight.padStart(8)), '', cached].join(' ');
}
