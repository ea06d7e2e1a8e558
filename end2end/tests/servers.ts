// Registries of a test's own, one for each thing that can be wrong with the world around it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';

/** A password nobody is told is too easy. */
export const PASSWORD = 'correct horse battery';

/** Debian's Chromium, where it is installed; otherwise Playwright's own is used. */
export const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);

/** The project's own folder. */
export const PROJECT = resolve(__dirname, '../..');

/** A running registry. */
export interface Registry {
  url: string;
  /** Where its mails become files. */
  outbox: string;
  /** Someone with an account, who logged in while all was well. */
  user: User;
  /** Makes it an hour later, or the present again; in a world whose clock can be moved. */
  setLater?(isLater: boolean): void;
}

interface User {
  email: string;
  session: string;
}

/** What can be wrong. */
export type World =
  /** Nothing; attempts are limited by the address in `X-Forwarded-For`. */
  | 'well'
  /** The database has died. */
  | 'without its database'
  /** The system has no random numbers, as seldom happens, so that a login meets what nobody thought of. */
  | 'without random numbers'
  /** The password of all users has become known from a breach since they signed up. */
  | 'with breached passwords'
  /** Its clock can be moved. */
  | 'with a clock that moves'
  /** It has a name, without which there are no passkeys; and its clock can be moved. */
  | 'with passkeys';

/** The registries one worker has started. */
export class Registries {
  private readonly started = new Map<World, Promise<Registry>>();
  private readonly processes: ChildProcess[] = [];

  /** Each keeps its data and logs in a folder of its own below this one. */
  constructor(private readonly data: string) {}

  /** The registry in this world. */
  in(world: World): Promise<Registry> {
    const registry = this.started.get(world) ?? this.start(world);
    this.started.set(world, registry);
    return registry;
  }

  async stop() {
    await Promise.all(this.processes.map(kill));
  }

  private async start(world: World): Promise<Registry> {
    const folder = mkdtempSync(join(this.data, 'registry-'));
    switch (world) {
      case 'well':
        return this.serve(folder, { TRUSTED_PROXIES: '127.0.0.1/32' });
      case 'without its database': {
        const { uri, mongod } = await this.mongod(folder);
        const registry = await this.serve(folder, { MONGO_URI: uri });
        await kill(mongod);
        return registry;
      }
      case 'without random numbers': {
        const gone = join(folder, 'no-random-numbers');
        const registry = await this.serve(folder, { LD_PRELOAD: compile('random.c', folder), NO_RANDOM_NUMBERS: gone });
        writeFileSync(gone, '');
        return registry;
      }
      case 'with breached passwords': {
        const before = await this.serve(folder, {});
        await kill(this.processes.at(-1)!);
        const filter = join(PROJECT, 'end2end/breached.filter');
        return { ...before, ...(await this.run(folder, { BREACHED_FILTER: filter, RATE_LIMITS: 'off' })) };
      }
      case 'with a clock that moves':
      case 'with passkeys': {
        const later = join(folder, 'an-hour-later');
        const host = world === 'with passkeys' ? 'localhost' : '127.0.0.1';
        const registry = await this.serve(folder, { LD_PRELOAD: compile('clock.c', folder), AN_HOUR_LATER: later, RATE_LIMITS: 'off' }, host);
        const setLater = (isLater: boolean) => (isLater ? writeFileSync(later, '') : rmSync(later, { force: true }));
        return { ...registry, setLater };
      }
    }
  }

  /** Starts the release build, and signs a user up. */
  private async serve(folder: string, env: Record<string, string>, host?: string): Promise<Registry> {
    const { url } = await this.run(folder, env, host);
    return { url, outbox: join(folder, 'outbox'), user: await signUp(url) };
  }

  private async run(folder: string, env: Record<string, string>, host = '127.0.0.1'): Promise<{ url: string }> {
    const port = await freePort();
    const url = `http://${host}:${port}`;
    const log = join(folder, 'log');
    const server = this.spawn(join(PROJECT, 'target/release/fpm-registry'), [], log, {
      LEPTOS_SITE_ADDR: `127.0.0.1:${port}`,
      PUBLIC_URL: url,
      DATA_DIR: folder,
      ...env,
    });
    await answers(server, log, async () => (await fetch(`${url}/auth/login`)).ok);
    return { url };
  }

  private async mongod(folder: string) {
    const port = await freePort();
    const data = join(folder, 'mongod');
    mkdirSync(data);
    const log = join(folder, 'mongod.log');
    const mongod = this.spawn(process.env.MONGOD!, mongodOptions(data, port), log, {});
    await answers(mongod, log, async () => readFileSync(log, 'utf8').includes('Waiting for connections'));
    return { uri: `mongodb://127.0.0.1:${port}`, mongod };
  }

  private spawn(command: string, options: string[], log: string, env: Record<string, string>): ChildProcess {
    const output = openSync(log, 'w');
    const child = spawn(command, options, { cwd: PROJECT, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
    this.processes.push(child);
    return child;
  }
}

/** What a mongod is to be told for tests. */
export function mongodOptions(folder: string, port: number): string[] {
  return ['--dbpath', folder, '--port', `${port}`, '--bind_ip', '127.0.0.1', '--nounixsocket', '--quiet', '--wiredTigerCacheSizeGB', '0.25'];
}

/** An address no other test uses. */
export function newEmail(): string {
  return `ada-${crypto.randomUUID()}@example.org`;
}

/** Signs a new user up, as a program does. */
export async function signUp(url: string, headers: Record<string, string> = {}): Promise<User> {
  const email = newEmail();
  const body = JSON.stringify({ name: 'Ada Lovelace', email, password: PASSWORD });
  const answer = await fetch(`${url}/auth/signup`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });
  const session = /\buuid=([^;]+)/.exec(answer.headers.getSetCookie().join())?.[1];
  if (!session) throw new Error(`signup answered ${answer.status} ${await answer.text()}`);
  return { email, session };
}

/** Compiles a library that stands between a program and the system. */
function compile(source: string, folder: string): string {
  const library = join(folder, `${source}.so`);
  const cc = spawnSync('cc', ['-shared', '-fPIC', '-o', library, join(__dirname, '..', source)], { encoding: 'utf8' });
  if (!existsSync(library)) throw new Error(`${source} cannot be compiled: ${cc.error?.message ?? cc.stderr}`);
  return library;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Waits until a process does its work. */
async function answers(child: ChildProcess, log: string, isReady: () => Promise<boolean>) {
  const deadline = Date.now() + 20_000;
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${child.spawnfile} did not start:\n${readFileSync(log, 'utf8')}`);
    await new Promise((waited) => setTimeout(waited, 50));
  }
}

async function kill(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((exit) => child.once('exit', exit));
  child.kill('SIGKILL');
  await exited;
}
