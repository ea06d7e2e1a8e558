// Every state of the pages, as everyone sees it: with scripts and without, on a desk and in the hand, by day and by night.
//
// What was seen is kept in test-results/states: its HTML as it was served, and a screenshot of each state in each look, but
// in CI, where nobody would look at it.
import type { Page, Response } from '@playwright/test';
import axe from 'axe-core/axe.min.js';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaints } from './nu';
import { alive, expect } from './registry';
import { PROJECT, type Registry } from './servers';
import { REFUSAL, STATES, early, type State, type Visit } from './states';
import { REVEAL } from './words';
import { test } from './worlds';

const DESK = { width: 1280, height: 800 };
const HAND = { width: 320, height: 640 };
const LOOKS = [
  { name: 'desktop-light', size: DESK, colorScheme: 'light' },
  { name: 'desktop-dark', size: DESK, colorScheme: 'dark' },
  { name: '320px-light', size: HAND, colorScheme: 'light' },
  { name: '320px-dark', size: HAND, colorScheme: 'dark' },
] as const;
/** What is left of a desk at 400 % (WCAG 1.4.10). */
const ENLARGED = { width: 320, height: 256 };
/** What a finger needs in width and height, in CSS pixels (WCAG 2.5.5). */
const TOUCH = 44;
/** States that between them have everything the pages are made of. */
const FEW = [
  'home',
  'home-logged-in',
  'signup-empty',
  'new-password',
  'reset-sent',
  'page-not-found',
  'account',
  'sessions-many',
  'history',
  'tokens-several',
  'totp',
  'security-app-added',
  'second-factor',
  'not-me',
];
const SEEN = 'test-results/states';

test.beforeAll(() => {
  mkdirSync(SEEN, { recursive: true });
});

for (const state of STATES) {
  test.describe(state.name, () => {
    test.use({ world: state.world ?? 'well' });

    // Each state is reached once for all that is asked of it.
    test('looks right to everyone', async ({ visit, scripts }) => {
      test.skip(!!state.needsScripts && !scripts, 'it comes to be in the browser alone');
      const reach = isRefusal(state) ? () => reachEnlarged(state, visit) : () => state.reach(visit);
      await look(state, visit, reach, scripts ? 'scripts' : 'plain');
      if (FEW.includes(state.name)) {
        await test.step('can be used enlarged, in colours of the system, and without motion', () => canBeUsedOtherwise(state, visit));
      }
    });

    if (state.isAlsoDrawn) {
      test('looks the same where the form was sent before the scripts came', async ({ visit, scripts }) => {
        test.skip(!scripts, 'that is how it is without scripts');
        await look(state, visit, () => early(visit, state.reach), 'drawn');
      });
    }
  });
}

test('HTML and style are valid', ({ scripts }) => {
  // The checker starts a Java of its own.
  test.setTimeout(120_000);
  const ways = scripts ? ['scripts', 'drawn'] : ['plain'];
  const due = STATES.flatMap((state) => waysTo(state, scripts).map((how) => `${state.name}-${how}.html`));
  const seen = readdirSync(SEEN).filter((file) => ways.some((how) => file.endsWith(`-${how}.html`)));
  expect(seen.sort(), 'states seen before').toEqual(due.sort());
  expect(complaints([...seen.map((file) => join(SEEN, file)), join(PROJECT, 'style/main.css')])).toEqual([]);
});

/** How a state is looked at: as it is with scripts or without, and as it is drawn where they come too late. */
function waysTo(state: State, scripts: boolean): string[] {
  if (!scripts) return state.needsScripts ? [] : ['plain'];
  return state.isAlsoDrawn ? ['scripts', 'drawn'] : ['scripts'];
}

/** Whether a refusal is to be seen, and what has the focus too. */
function isRefusal(state: State): boolean {
  return state.says?.role === 'alert' && !!(state.wrong ?? state.focus);
}

/** Goes to a state with a refusal in an enlarged window, and then has it as large as a desk. */
async function reachEnlarged(state: State, visit: Visit) {
  await visit.page.setViewportSize(ENLARGED);
  await state.reach(visit);
  await alive(visit.page, visit.scripts);
  await test.step('its refusal is in view at 400 %, and so is what has the focus', () => isInView(state, visit));
  await visit.page.setViewportSize(DESK);
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
  const passwords = await page.locator('input[autocomplete$=password]').count();
  await expect(page.getByRole('button', { name: REVEAL })).toHaveCount(scripts ? passwords : 0);

  const document = answers.findLast((answer) => answer.request().isNavigationRequest())!;
  writeFileSync(join(SEEN, `${state.name}-${how}.html`), await document.body());
  const same = scripts ? page : await replay(page, document);
  await same.evaluate(axe.source);
  for (const { name, size, colorScheme } of LOOKS) {
    for (const each of new Set([page, same])) {
      await each.setViewportSize(size);
      await each.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    }
    await picture(page, `${state.name}-${how}-${name}`);
    await fits(page);
    // Every width and every scheme once; axe takes longer than all the rest.
    if (['desktop-light', '320px-dark'].includes(name)) expect(await violations(same), name).toEqual([]);
  }
  if (same !== page) await same.context().close();
}

/** Keeps a picture of the whole page. In a window of its height it takes a third of the time that Playwright's `fullPage` does. */
async function picture(page: Page, name: string) {
  if (process.env.CI) return;
  const size = page.viewportSize()!;
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.setViewportSize({ ...size, height });
  await page.screenshot({ path: join(SEEN, `${name}.png`) });
  await page.setViewportSize(size);
}

/** What axe, whose source the page has, has against it. */
function violations(page: Page): Promise<unknown[]> {
  return page.evaluate(`axe
    .run({ resultTypes: ['violations'] })
    .then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]))`);
}

/** The refusal and what has the focus can be seen whole, and neither hides the other. */
async function isInView(state: State, { page, scripts }: Visit) {
  const refusal = page.getByRole('alert').filter({ hasText: containing(state.says!.text) });
  const focus = state.wrong ?? state.focus!;
  const focused = focus === REFUSAL ? refusal : page.getByLabel(focus as string, { exact: true }).first();
  await expect(focused).toBeFocused();
  await page.screenshot({ path: join(SEEN, `${state.name}-${scripts ? 'scripts' : 'plain'}-enlarged.png`) });
  const boxes = await Promise.all([refusal, focused].map(async (each) => (await each.boundingBox())!));
  const [upper, lower] = boxes.sort((one, other) => one.y - other.y);
  expect(upper.y, 'the top').toBeGreaterThanOrEqual(0);
  expect(lower.y + lower.height, 'the bottom').toBeLessThanOrEqual(ENLARGED.height);
  if (focus !== REFUSAL) expect(lower.y, 'one below the other').toBeGreaterThanOrEqual(upper.y + upper.height);
}

/** Enlarges the page, and shows it in the system's colours and to those whom motion makes ill. */
async function canBeUsedOtherwise(state: State, { page, scripts }: Visit) {
  const how = scripts ? 'scripts' : 'plain';
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });

  // What is left of a desk at 200 % (WCAG 1.4.10), and text alone at 200 % (WCAG 1.4.4).
  await page.setViewportSize({ width: DESK.width / 2, height: DESK.height / 2 });
  await fits(page);
  await page.setViewportSize(DESK);
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  await picture(page, `${state.name}-${how}-large-text`);
  await fits(page);
  await page.evaluate("document.documentElement.style.fontSize = ''");

  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
  await picture(page, `${state.name}-${how}-forced-colours`);
  const flat = await page.locator('button, select, input:not([type=hidden])').evaluateAll((all) =>
    all.filter((each) => getComputedStyle(each).borderTopStyle === 'none').map((each) => each.outerHTML),
  );
  expect(flat, 'no border where backgrounds are gone').toEqual([]);
  const moving = await page.locator('*').evaluateAll((all) => {
    const lasts = (times: string) => times.split(', ').some((time) => parseFloat(time) > 0.01);
    return all.filter((each) => lasts(getComputedStyle(each).transitionDuration) || lasts(getComputedStyle(each).animationDuration)).map((each) => each.outerHTML);
  });
  expect(moving, 'motion').toEqual([]);
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
    const place = role ? page.getByRole(role).filter({ hasText: containing(text) }) : page.getByText(containing(text));
    await expect(place.first()).toBeVisible();
  }
  if (state.wrong && state.says) {
    const wrong = page.getByLabel(state.wrong, { exact: true }).first();
    await expect(wrong).toHaveAttribute('aria-invalid', 'true');
    await expect(wrong).toHaveAccessibleDescription(containing(state.says.text));
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(1);
  } else {
    await expect(page.locator('[aria-invalid=true]')).toHaveCount(0);
  }
  const focus = state.wrong ?? state.focus;
  if (focus) {
    const focused = focus === REFUSAL ? page.getByRole('alert').filter({ hasText: containing(state.says!.text) }) : page.getByLabel(focus, { exact: true }).first();
    await expect(focused).toBeFocused();
  }
  for (const name of state.links ?? []) {
    await expect(page.getByRole('main').getByRole('link', { name, exact: true })).toBeVisible();
  }
  for (const name of state.buttons ?? []) {
    const button = page.getByRole('button', { name, exact: true }).first();
    await expect(button).toBeVisible();
    await expect(button).toBeEnabled();
  }
}

function containing(text: string | RegExp): RegExp {
  return typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text;
}

/** Nothing is wider than the window, and what is touched, all but links within a sentence, is large enough. */
async function fits(page: Page) {
  expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 'sideways scroll').toBe(0);
  const targets = page.locator('button, select, input:not([type=hidden]), a:not(p a)').filter({ visible: true });
  const small = await targets.evaluateAll(
    (all, least) => {
      const isSmall = ({ width, height }: DOMRect) => Math.min(width, height) < least;
      return all.filter((target) => isSmall(target.getBoundingClientRect())).map((target) => target.outerHTML);
    },
    TOUCH,
  );
  expect(small, 'too small to touch').toEqual([]);
}
