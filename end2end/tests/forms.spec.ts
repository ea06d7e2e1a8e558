// How the forms feel: what a person does before, while and after one is sent.
import type { Locator, Page, Request } from '@playwright/test';
import { PASSWORD, alive, expect, fill, mailedLink, newEmail, open, press, signUp, test } from './registry';
import { BUTTONS, FIELDS, LINKS, REFUSALS, REVEAL, SAYS } from './words';

/** Ways to ask for a file of the client, which comes when the page has long been there. */
const CLIENT = '**/pkg/*.{js,wasm}';

test('what was typed before the scripts came is sent', async ({ page, scripts }) => {
  test.skip(!scripts);
  const come = await hold(page, CLIENT);
  await page.goto('/auth/login', { waitUntil: 'commit' });
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await expect(page.getByRole('button', { name: REVEAL })).toHaveCount(0);
  come();
  await alive(page, scripts);
  const sent = page.waitForRequest(isPost);
  await press(page, BUTTONS.login);
  expect(new URLSearchParams((await sent).postData()!).get('email')).toBe('john');
  expect((await sent).isNavigationRequest()).toBe(false);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.wrongLogin })).toBeVisible();
  await expect(page.getByLabel(FIELDS.email)).toHaveValue('john');
});

test('a keyboard is enough, from the start page through signup to logout', async ({ page, scripts }) => {
  const email = newEmail();
  await page.goto('/');
  await tabTo(page, page.getByRole('main').getByRole('link', { name: LINKS.signup }));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/auth/signup');
  await alive(page, scripts);
  await expect(page.getByLabel(FIELDS.name)).toBeFocused();
  await page.keyboard.type('Ada Lovelace');
  await tabTo(page, page.getByLabel(FIELDS.email));
  await page.keyboard.type(email);
  await tabTo(page, page.getByLabel(FIELDS.password, { exact: true }));
  await page.keyboard.type(PASSWORD);
  if (scripts) {
    await tabTo(page, page.getByRole('button', { name: REVEAL }));
    await page.keyboard.press('Space');
    await expect(page.getByLabel(FIELDS.password, { exact: true })).toHaveAttribute('type', 'text');
  }
  await tabTo(page, page.getByRole('button', { name: BUTTONS.signup }));
  await page.keyboard.press('Enter');
  await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
  await tabTo(page, page.getByRole('button', { name: BUTTONS.logout }));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/auth/login');
});

test('Enter in a field sends the form', async ({ page, scripts }) => {
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.wrongLogin })).toBeVisible();
});

test('a password is shown and hidden', async ({ page, scripts }) => {
  test.skip(!scripts);
  for (const path of ['/auth/login', '/auth/signup']) {
    await open(page, path, scripts);
    const password = page.getByLabel(FIELDS.password, { exact: true });
    await password.fill('secret');
    const reveal = page.getByRole('button', { name: REVEAL });
    const before = await reveal.evaluate(said);
    await reveal.click();
    await expect(password).toHaveAttribute('type', 'text');
    await expect(password).toHaveValue('secret');
    expect(await reveal.evaluate(said), 'a screen reader hears of it').not.toEqual(before);
    await reveal.click();
    await expect(password).toHaveAttribute('type', 'password');
    expect(await reveal.evaluate(said)).toEqual(before);
  }
});

test('a form says that it is being sent, and is sent once', async ({ page, scripts }) => {
  test.skip(!scripts);
  let sent = 0;
  page.on('request', (request) => (sent += Number(isPost(request))));
  const answer = await hold(page, '**/auth/login', isPost);
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  const button = page.getByRole('button', { name: BUTTONS.login });
  const before = await button.evaluate(seen);
  await button.click();
  await expect(page.locator('button:is([aria-disabled=true], [aria-busy=true], :disabled)')).toHaveCount(1);
  expect(await page.locator('form button[type=submit]').evaluate(seen), 'it can be seen').not.toEqual(before);
  await page.locator('form button[type=submit]').click({ force: true });
  await page.getByLabel(FIELDS.password, { exact: true }).press('Enter');
  answer();
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.wrongLogin })).toBeVisible();
  await expect(button).toBeEnabled();
  expect(sent).toBe(1);
});

test('a refusal appears in place, where it is heard', async ({ page, scripts }) => {
  test.skip(!scripts);
  await open(page, '/auth/signup', scripts);
  let loads = 0;
  page.on('request', (request) => (loads += Number(request.isNavigationRequest())));
  await fill(page, { [FIELDS.name]: 'Ada', [FIELDS.email]: 'ada', [FIELDS.password]: PASSWORD });
  const heard = page.getByRole('alert').filter({ hasText: REFUSALS.badEmail });
  await expect(heard).toHaveCount(0);
  await press(page, BUTTONS.signup);
  await expect(heard.first()).toBeVisible();
  await expect(page.getByLabel(FIELDS.email)).toBeFocused();
  await expect(page.getByLabel(FIELDS.password, { exact: true })).toHaveValue(PASSWORD);
  expect(loads).toBe(0);
});

test('after a refusal, the next password takes the place of the refused one', async ({ page, scripts }) => {
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await press(page, BUTTONS.login);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.wrongLogin })).toBeVisible();
  const password = page.getByLabel(FIELDS.password, { exact: true });
  await expect(password).toBeFocused();
  await page.keyboard.type(PASSWORD);
  await expect(password).toHaveValue(PASSWORD);
});

test('a link that died under its page is refused in place, with the way to a new one', async ({ page, scripts }) => {
  test.skip(!scripts);
  const email = newEmail();
  await signUp(page, email, scripts);
  await page.request.post('/auth/forgot-password', { form: { email } });
  const link = await mailedLink(email);
  await open(page, link, scripts);
  const form = { uuid: new URL(link).searchParams.get('uuid')!, password: 'plum tractor glow' };
  expect((await fetch(new URL('/auth/reset-password', link), { method: 'POST', body: new URLSearchParams(form) })).status).toBe(200);
  let loads = 0;
  page.on('request', (request) => (loads += Number(request.isNavigationRequest())));
  await fill(page, { [FIELDS.newPassword]: 'another tractor glow' });
  await press(page, BUTTONS.changePassword);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.deadLink })).toBeVisible();
  expect(loads).toBe(0);
  await page.getByRole('link', { name: LINKS.newLink }).click();
  await expect(page.getByRole('button', { name: BUTTONS.sendLink })).toBeVisible();
});

test('after a success, the way back leads to a form that works', async ({ page, scripts }) => {
  await open(page, '/auth/reset-password', scripts);
  for (let again = 0; again < 2; again++) {
    await fill(page, { [FIELDS.email]: newEmail() });
    await press(page, BUTTONS.sendLink);
    await expect(page).toHaveURL('/auth/reset-password?notice=sent');
    await page.goBack();
    await expect(page).toHaveURL('/auth/reset-password');
    await alive(page, scripts);
    await expect(page.getByRole('button', { name: BUTTONS.sendLink })).toBeEnabled();
  }
});

test('a page that a browser kept as it was left has a form that works', async ({ page, scripts }) => {
  test.skip(!scripts);
  await open(page, '/auth/reset-password', scripts);
  // A browser stays where it is when there is no content.
  await page.route('**/auth/reset-password\\?notice=sent', (route) => route.fulfill({ status: 204 }));
  await fill(page, { [FIELDS.email]: newEmail() });
  const left = page.waitForResponse((response) => response.status() === 204);
  await press(page, BUTTONS.sendLink);
  await left;
  // Chromium keeps no page that is `no-store`; this is what others say to one they kept.
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect(page.getByRole('button', { name: BUTTONS.sendLink })).toBeEnabled();
});

test('a form that found no connection works once there is one', async ({ page, context, scripts }) => {
  test.skip(!scripts);
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await context.setOffline(true);
  await press(page, BUTTONS.login);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.unreachable })).toBeVisible();
  await context.setOffline(false);
  await press(page, BUTTONS.login);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.wrongLogin })).toBeVisible();
  await expect(page.getByText(REFUSALS.unreachable)).toHaveCount(0);
});

test('an answer that is none of ours is told in words', async ({ page, scripts }) => {
  test.skip(!scripts);
  await page.route('**/auth/login', (route) =>
    isPost(route.request()) ? route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }) : route.continue(),
  );
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await press(page, BUTTONS.login);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.broken })).toBeVisible();
});

test('password managers know the fields, and paste works', async ({ page, scripts }) => {
  for (const [path, known] of Object.entries({
    '/auth/login': { email: 'username webauthn', password: 'current-password' },
    '/auth/signup': { name: 'name', email: 'username', password: 'new-password' },
    '/auth/reset-password': { email: 'username' },
  })) {
    await open(page, path, scripts);
    for (const [name, purpose] of Object.entries(known)) {
      const field = page.locator(`input[name=${name}]`);
      await expect(field).toHaveAttribute('autocomplete', purpose);
      await copy(page, 'pasted text');
      await field.press('ControlOrMeta+V');
      await expect(field).toHaveValue('pasted text');
    }
  }
});

/** Puts a text on the clipboard, by way of the e-mail field. */
async function copy(page: Page, text: string) {
  const field = page.getByLabel(FIELDS.email);
  await field.fill(text);
  await field.press('ControlOrMeta+A');
  await field.press('ControlOrMeta+X');
  await expect(field).toHaveValue('');
}

/** Holds requests back until the returned function is called. */
async function hold(page: Page, url: string, isHeld: (request: Request) => boolean = () => true): Promise<() => void> {
  let go = () => {};
  const gone = new Promise<void>((resolve) => (go = resolve));
  await page.route(url, async (route) => {
    if (isHeld(route.request())) await gone;
    await route.continue();
  });
  return go;
}

function isPost(request: Request): boolean {
  return request.method() === 'POST';
}

/** Presses Tab until something has the focus, which can be seen on every way-point. */
async function tabTo(page: Page, place: Locator) {
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    const outline = await focused.evaluate((element) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle === 'none' ? 0 : parseFloat(outlineWidth);
    });
    expect(outline, `the focus on ${await focused.evaluate((element) => element.outerHTML)}`).toBeGreaterThanOrEqual(2);
    if (await place.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`Tab does not lead to ${place}`);
}

/** What a screen reader says of a button. */
function said(button: Element): (string | null)[] {
  return [button.textContent, button.getAttribute('aria-label'), button.getAttribute('aria-pressed')];
}

/** What is to be seen of a button. */
function seen(button: Element): string[] {
  const { opacity, color, backgroundColor, cursor } = getComputedStyle(button);
  return [button.textContent!, opacity, color, backgroundColor, cursor];
}
