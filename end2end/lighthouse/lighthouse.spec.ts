// What Lighthouse says of the three pages, on a desktop and on its slow mobile phone.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, expect, test } from '@playwright/test';
import { CHROMIUM, Registries } from '../tests/servers';

const PAGES = ['/auth/login', '/auth/signup', '/auth/reset-password'];
/** The least score of each category; SEO is for information. */
const LEAST = {
  desktop: { performance: 100, accessibility: 100, 'best-practices': 100, seo: 0 },
  mobile: { performance: 98, accessibility: 100, 'best-practices': 100, seo: 0 },
};
/** Performance is measured; the median of so many runs counts. */
const RUNS = 3;

type Profile = keyof typeof LEAST;
type Category = keyof (typeof LEAST)[Profile];
type Scores = Record<Category, number>;
const CATEGORIES = Object.keys(LEAST.desktop) as Category[];

test('Lighthouse has nothing to wish for', async () => {
  const reports = test.info().outputDir;
  mkdirSync(reports, { recursive: true });
  const registries = new Registries(reports);
  const low: string[] = [];
  try {
    const { url } = await registries.in('well');
    console.log(row('page', 'profile', CATEGORIES));
    for (const profile of Object.keys(LEAST) as Profile[]) {
      for (const page of PAGES) {
        const runs: Scores[] = [];
        for (let run = 1; run <= RUNS; run++) {
          runs.push(await score(`${url}${page}`, profile, join(reports, `${page.split('/').at(-1)}-${profile}-${run}.json`)));
        }
        const scores = CATEGORIES.map((category) => median(runs.map((run) => run[category])));
        console.log(row(page, profile, scores.map(String)));
        CATEGORIES.forEach((category, n) => {
          if (scores[n] < LEAST[profile][category]) low.push(`${page} ${profile} ${category}: ${scores[n]}, least ${LEAST[profile][category]}`);
        });
      }
    }
    console.log(`The reports are in ${reports}`);
  } finally {
    await registries.stop();
  }
  expect(low).toEqual([]);
});

/** The scores of one run, whose report becomes a file. */
async function score(url: string, profile: Profile, report: string): Promise<Scores> {
  const options = [
    url,
    '--quiet',
    '--output=json',
    `--output-path=${report}`,
    `--only-categories=${CATEGORIES.join()}`,
    '--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking --no-first-run',
    ...(profile === 'desktop' ? ['--preset=desktop'] : []),
  ];
  const env = { ...process.env, CHROME_PATH: CHROMIUM ?? chromium.executablePath() };
  await measure(options, env);
  const { categories } = JSON.parse(readFileSync(report, 'utf8')) as { categories: Record<Category, { score: number }> };
  const scores = CATEGORIES.map((category) => [category, Math.round(categories[category].score * 100)]);
  return Object.fromEntries(scores) as Scores;
}

/** Runs Lighthouse, and once more where it says itself that it missed the beginning and is to be run again. */
async function measure(options: string[], env: NodeJS.ProcessEnv) {
  const run = () => promisify(execFile)('npx', ['lighthouse', ...options], { env });
  await run().catch((error: Error) => {
    if (!error.message.includes('NO_NAVSTART')) throw error;
    console.log(`Lighthouse missed the beginning of ${options[0]}, and is run again.`);
    return run();
  });
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function row(page: string, profile: string, scores: string[]): string {
  return [page.padEnd(24), profile.padEnd(8), ...scores.map((score) => score.padStart(14))].join(' ');
}
