// Every state of the pages, as everyone sees it: with scripts and without, on a desk and in the hand, by day and by night.
//
// What was seen is kept in test-results/states: a screenshot of each state in each look, and its HTML as it was served.
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page, Response } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alive, expect, test as base } from './registry';
import { Registries, type Registry } from './servers';
import { REVEAL, STATES, early, type State, type Visit } from './states';

const DESK = { width: 1280, height: 800 };
const HAND = { width: 320, height: 640 };
const LOOKS = [
  { name: 'desktop-light', size: DESK, colorScheme: 'light' },
  { name: 'desktop-dark', size: DESK, colorScheme: 'dark' },
  { name: '320px-light', size: HAND, colorScheme: 'light' },
  { name: '320px-dark', size: HAND, colorScheme: 'dark' },
] as const;
/** What a finger needs, in CSS pixels (WCAG 2.5.5). */
const TOUCH = 44;
const SEEN = 'test-results/states';

const test = base.extend<{ network: string }, { registries: Registries }>({
  registries: [
    async ({}, use) => {
      const registries = new Registries();
      await use(registries);
      await registries.stop();
    },
    { scope: 'worker' },
  ],
  // A network for every test, so that none uses up the tries of another.
  network: async ({}, use) => use(`10.${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join('.')}`),
  extraHTTPHeaders: async ({ network }, use) => use({ 'X-Forwarded-For': network }),
});

test.beforeAll(() => {
  mkdirSync(SEEN, { recursive: true });
});

for (const state of STATES) {
  test.describe(state.name, () => {
    test.use({ baseURL: async ({ registries }, use) => use((await registries.in(state.world ?? 'well')).url) });

    test('looks right to everyone', async ({ page, registries, network, scripts }) => {
      test.skip(!!state.needsScripts && !scripts, 'it comes to be in the browser alone');
      const registry = await registries.in(state.world ?? 'well');
      const visit = { page, registry, network, scripts };
      await look(state, visit, () => state.reach(visit), scripts ? 'scripts' : 'plain');
    });

    if (state.isAlsoDrawn) {
      test('looks the same where the form was sent before the scripts came', async ({ page, registries, network, scripts }) => {
        test.skip(!scripts, 'that is how it is without scripts');
        const registry = await registries.in(state.world ?? 'well');
        const visit = { page, registry, network, scripts };
        await look(state, visit, () => early(visit, state.reach), 'drawn');
      });
    }
  });
}

/** Goes to a state, and looks at it in every look. */
async function look(state: State, { page, registry, scripts }: Visit, reach: () => Promise<unknown>, how: string) {
  const seen = watch(page, registry);
  await reach();
  await alive(page, scripts);
  await saysWhatItShould(state, page);
  const { answers, elsewhere } = seen;
  expect(answers.at(-1)?.status()).toBe(state.status ?? 200);
  expect(elsewhere, 'requests to another origin').toEqual([]);
  const hasPassword = (await page.locator('input[name=password]').count()) > 0;
  await expect(page.getByRole('button', { name: REVEAL })).toHaveCount(scripts && hasPassword ? 1 : 0);

  const document = answers.findLast((answer) => answer.request().isNavigationRequest())!;
  writeFileSync(join(SEEN, `${state.name}-${how}.html`), await document.body());
  const same = scripts ? page : await replay(page, document);
  for (const { name, size, colorScheme } of LOOKS) {
    for (const each of new Set([page, same])) {
      await each.setViewportSize(size);
      await each.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    }
    await page.screenshot({ path: join(SEEN, `${state.name}-${how}-${name}.png`), fullPage: true });
    await fits(page);
    const { violations } = await new AxeBuilder({ page: same }).setLegacyMode().analyze();
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]), name).toEqual([]);
  }
  if (same !== page) await same.context().close();
}

/** The same HTML where scripts can run, for axe is one, but none of its own. */
async function replay(page: Page, document: Response): Promise<Page> {
  const context = await page.context().browser()!.newContext({ javaScriptEnabled: true });
  const headers = { 'Content-Type': 'text/html', 'Content-Security-Policy': "script-src 'none'" };
  const body = await document.body();
  await context.route(document.url(), (route) => route.fulfill({ headers, body }));
  const same = await context.newPage();
  await same.goto(document.url());
  return same;
}

/** Notes what the registry answered, and what was asked of anyone else since its first page. */
function watch(page: Page, { url }: Registry) {
  const answers: Response[] = [];
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    const isStart = request.isNavigationRequest() && answers.length === 0;
    if (!request.url().startsWith(`${url}/`) && !isStart) elsewhere.push(request.url());
  });
  page.on('response', (response) => {
    const isAnswer = ['document', 'fetch', 'xhr'].includes(response.request().resourceType()) && !response.url().includes('/pkg/');
    const isRedirect = response.status() >= 300 && response.status() < 400;
    if (response.url().startsWith(`${url}/`) && isAnswer && !isRedirect) answers.push(response);
  });
  return { answers, elsewhere };
}

/** Title, heading, sentence, focus and the way on. */
async function saysWhatItShould(state: State, page: Page) {
  await expect(page).toHaveTitle(state.title);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(state.heading);
  if (state.says) {
    const { text, role } = state.says;
    const place = role ? page.getByRole(role).filter({ hasText: text }) : page.getByText(text);
    await expect(place.first()).toBeVisible();
  }
  if (state.wrong && state.says) {
    const wrong = page.getByLabel(state.wrong, { exact: true });
    await expect(wrong).toHaveAttribute('aria-invalid', 'true');
    await expect(wrong).toHaveAccessibleDescription(containing(state.says.text));
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(1);
  } else {
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(0);
  }
  if (state.focus) await expect(page.getByLabel(state.focus, { exact: true })).toBeFocused();
  for (const name of state.links ?? []) {
    await expect(page.getByRole('main').getByRole('link', { name, exact: true })).toBeVisible();
  }
  for (const name of state.buttons ?? []) {
    const button = page.getByRole('button', { name, exact: true });
    await expect(button).toBeVisible();
    await expect(button).toBeEnabled();
  }
}

function containing(text: string | RegExp): RegExp {
  return typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text;
}

/** Nothing is wider than the window, and what is touched is large enough. */
async function fits(page: Page) {
  expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 'sideways scroll').toBe(0);
  for (const target of await targets(page)) {
    const box = await target.boundingBox();
    expect(box!.height, `height of ${await target.evaluate((element) => element.outerHTML)}`).toBeGreaterThanOrEqual(TOUCH);
  }
}

/** What is touched: all but links within a sentence. */
async function targets(page: Page): Promise<Locator[]> {
  const all = await page.locator('button, input:not([type=hidden]), a:not(p a)').all();
  const shown = await Promise.all(all.map((target) => target.isVisible()));
  return all.filter((_, n) => shown[n]);
}
