// The release build, on both stores, in a real Chromium, with scripts and without.
import { defineConfig, devices } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM, PROJECT, mongodOptions } from './tests/servers';

// Workers read this file again; the folder of the first reading is the servers' own.
const data = (process.env.E2E_DATA ??= newFolder());
process.env.MONGOD ??= execFileSync(join(PROJECT, 'scripts/mongod.sh'), { encoding: 'utf8' }).trim();

// Without one, authenticator apps are not offered with MongoDB.
const key = join(data, 'secret.key');
if (!existsSync(key)) writeFileSync(key, randomBytes(32).toString('base64'), { mode: 0o600 });

const mongod = { port: 9291, folder: join(data, 'mongod') };
const stores = {
  embedded: { port: 9191, folder: join(data, 'embedded'), env: {} },
  mongo: {
    port: 9192,
    folder: join(data, 'mongo'),
    env: { MONGO_URI: `mongodb://127.0.0.1:${mongod.port}`, SECRET_KEY_FILE: key },
  },
};

export default defineConfig({
  testDir: 'tests',
  forbidOnly: !!process.env.CI,
  workers: 2,
  reporter: [['list']],
  use: {
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Pages come one after the other, so they need no process each.
        '--renderer-process-limit=1',
      ],
    },
  },
  projects: [
    ...Object.entries(stores).flatMap(([store, { port, folder }]) =>
      [true, false].map((scripts) => ({
        name: `${store}, ${scripts ? 'with scripts' : 'without scripts'}`,
        // What pages look like, and what other sites can do, is the same whatever the store.
        testMatch: store === 'mongo' ? /\/(account|life|second-factors)\.spec\.ts$/ : /\/(account|forms|life|passkeys|recent|second-factors|security|states)\.spec\.ts$/,
        metadata: { outbox: join(folder, 'outbox') },
        use: {
          ...devices['Desktop Chrome'],
          baseURL: `http://127.0.0.1:${port}`,
          javaScriptEnabled: scripts,
        },
      })),
    ),
    { name: 'weights', testMatch: 'weights.spec.ts', use: { baseURL: `http://127.0.0.1:${stores.embedded.port}` } },
  ],
  webServer: [
    {
      command: `mkdir -p ${mongod.folder} && exec "$MONGOD" ${mongodOptions(mongod.folder, mongod.port).join(' ')} >${mongod.folder}/log`,
      port: mongod.port,
    },
    ...Object.values(stores).map(({ port, folder, env }) => ({
      command: 'exec target/release/fpm-registry',
      cwd: PROJECT,
      env: {
        ...env,
        LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
        DATA_DIR: folder,
        RATE_LIMITS: 'off',
      },
      url: `http://127.0.0.1:${port}/auth/login`,
    })),
  ],
});

/** A folder that is kept where the run fails, since the logs are in it. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fpm-registry-e2e-'));
  process.on('exit', (code) => {
    if (code === 0) rmSync(folder, { recursive: true });
    else console.log(`The data and logs of this run are in ${folder}`);
  });
  return folder;
}
