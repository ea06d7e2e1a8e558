// The whole life of an authenticator app and of recovery codes.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Phone } from './phone';
import { PASSWORD, alive, expect, fill, newEmail, open, press, send, signUp, test } from './registry';
import { BUTTONS, FIELDS, HEADINGS, LINKS, REFUSALS, SAYS } from './words';

const RECOVERY_CODE = /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/;

test('an authenticator app is added, asked for at a login, and removed', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await page.getByRole('link', { name: LINKS.settings }).click();
  await page.getByRole('link', { name: LINKS.security }).click();
  await expect(page.getByText(SAYS.passwordAlone)).toBeVisible();
  await press(page, BUTTONS.addApp);
  await expect(page).toHaveURL('/account/totp');
  await expect(page.getByRole('img', { name: 'QR code with the secret' })).toBeVisible();
  const secret = (await page.locator('code.text').textContent())!;
  const link = await page.getByRole('link', { name: LINKS.openApp }).getAttribute('href');
  expect(new URL(link!).searchParams.get('secret')).toBe(secret.replaceAll(' ', ''));

  // Nothing changes before a code of it is typed, and a reload shows the same secret.
  await page.reload();
  expect(await page.locator('code.text').textContent()).toBe(secret);
  const phone = new Phone(secret);
  await enter(page, phone.off(-10), BUTTONS.confirm, scripts);
  await expect(page.getByRole('alert').filter({ hasText: REFUSALS.otherMinute })).toBeVisible();
  await enter(page, await phone.code(), BUTTONS.confirm, scripts);
  await expect(page.getByRole('status')).toHaveText(SAYS.appAdded);
  expect(await shownCodes(page)).toHaveLength(10);
  await page.reload();
  await expect(page.getByText(SAYS.codesShown)).toHaveCount(0);
  await expect(page.getByText(SAYS.allCodes)).toBeVisible();

  await press(page, BUTTONS.logout);
  await logIn(page, email, scripts, '/account/history');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(HEADINGS.secondFactor);
  await expect(page.getByLabel(FIELDS.code)).toBeFocused();
  for (const [code, sentence] of [
    [phone.used(), REFUSALS.usedCode],
    [phone.off(-10), REFUSALS.otherMinute],
    ['0000-0000-0000-0000', REFUSALS.wrongCode],
    ['', REFUSALS.noCode],
  ]) {
    await enter(page, code, BUTTONS.login, scripts);
    await expect(page.locator('#second-factor-code-error')).toHaveText(sentence);
    await expect(page.getByLabel(FIELDS.code)).toBeFocused();
  }
  await enter(page, await phone.code(), BUTTONS.login, scripts);
  await expect(page).toHaveURL('/account/history');

  await page.goto('/account/security');
  await press(page, BUTTONS.removeApp);
  await expect(page.getByRole('status')).toHaveText(SAYS.appRemoved);
  await press(page, BUTTONS.logout);
  await logIn(page, email, scripts, '/account/security');
  await expect(page.getByText(SAYS.passwordAlone)).toBeVisible();
});

test('a recovery code opens once, and new ones end the older', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  const { codes } = await addApp(page, scripts);
  await logOutAndIn(page, email, scripts);
  await enter(page, codes[0], BUTTONS.login, scripts);
  await expect(page).toHaveURL('/account/security');
  await expect(page.getByText('9 codes are left.')).toBeVisible();

  await logOutAndIn(page, email, scripts);
  await enter(page, codes[0], BUTTONS.login, scripts);
  await expect(page.locator('#second-factor-code-error')).toHaveText(REFUSALS.wrongCode);
  await enter(page, codes[1].replaceAll('-', ' ').toLowerCase(), BUTTONS.login, scripts);
  await expect(page.getByText('8 codes are left.')).toBeVisible();

  await press(page, BUTTONS.makeCodes);
  await expect(page.getByRole('status')).toHaveText(SAYS.codesMade);
  const newCodes = await shownCodes(page);
  await logOutAndIn(page, email, scripts);
  await enter(page, codes[2], BUTTONS.login, scripts);
  await expect(page.locator('#second-factor-code-error')).toHaveText(REFUSALS.wrongCode);
  await enter(page, newCodes[9], BUTTONS.login, scripts);
  await expect(page.getByText('9 codes are left.')).toBeVisible();
});

test('recovery codes can be kept: on paper, where nothing else of the page is, and as text', async ({ page, scripts }) => {
  await signUp(page, newEmail(), scripts);
  const { codes } = await addApp(page, scripts);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: LINKS.download }).click();
  expect((await download).suggestedFilename()).toBe('fpm-registry-recovery-codes.txt');
  const text = readFileSync(await (await download).path(), 'utf8');
  expect(text).toBe(`Recovery codes of fpm-registry, each good for one login:\n\n${codes.join('\n')}\n`);

  await page.emulateMedia({ media: 'print' });
  const paper = (await page.locator('body').innerText()).split('\n').filter((line) => line.trim() !== '');
  expect(paper.slice(0, 2)).toEqual(['fpm-registry', SAYS.codesShown]);
  expect(paper.slice(3)).toEqual(codes);
});

test('a login that waits is of its browser alone, and opens nothing', async ({ page, browser, baseURL, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  const { phone } = await addApp(page, scripts);
  await logOutAndIn(page, email, scripts);
  await page.goto('/account');
  await expect(page).toHaveURL('/auth/login?next=/account');

  const other = await browser.newContext({ baseURL, javaScriptEnabled: scripts });
  const thief = await other.newPage();
  await open(thief, '/auth/login', scripts);
  const stolen = (await page.context().cookies()).filter(({ name }) => name === 'pending');
  expect(stolen).toHaveLength(1);
  await other.addCookies(stolen);
  await thief.goto('/auth/second-factor');
  await expect(thief).toHaveURL('/auth/login');
  const answer = await other.request.post('/auth/second-factor', { form: { code: await phone.code() } });
  expect([answer.status(), (await answer.json()).message]).toEqual([401, REFUSALS.logInFirst]);
  await other.close();

  await open(page, '/auth/second-factor', scripts);
  await enter(page, phone.used(), BUTTONS.login, scripts);
  await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
});

test('five wrong codes end a login that waits', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  const { phone } = await addApp(page, scripts);
  await logOutAndIn(page, email, scripts);
  for (let n = 0; n < 5; n++) {
    await enter(page, '0000-0000-0000-0000', BUTTONS.login, scripts);
    await expect(page.locator('#second-factor-code-error')).toHaveText(REFUSALS.wrongCode);
  }
  await enter(page, await phone.code(), BUTTONS.login, scripts);
  if (scripts) {
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.logInFirst })).toBeVisible();
    await page.getByRole('link', { name: LINKS.somebodyElse }).click();
  }
  await expect(page).toHaveURL('/auth/login?next=/account/security');
  await page.goto('/auth/second-factor');
  await expect(page).toHaveURL('/auth/login');
});

/** Adds an authenticator app; its phone and the recovery codes. */
async function addApp(page: Page, scripts: boolean) {
  await page.goto('/account/security');
  await press(page, BUTTONS.addApp);
  await expect(page).toHaveURL('/account/totp');
  const phone = new Phone((await page.locator('code.text').textContent())!);
  await enter(page, await phone.code(), BUTTONS.confirm, scripts);
  return { phone, codes: await shownCodes(page) };
}

/** The recovery codes that the page shows. */
async function shownCodes(page: Page): Promise<string[]> {
  const codes = (await page.locator('pre.codes').innerText()).split('\n');
  for (const code of codes) expect(code).toMatch(RECOVERY_CODE);
  return codes;
}

async function logOutAndIn(page: Page, email: string, scripts: boolean) {
  await page.goto('/');
  await press(page, BUTTONS.logout);
  await logIn(page, email, scripts, '/account/security');
  await expect(page.getByText(SAYS.secondStep)).toBeVisible();
}

async function logIn(page: Page, email: string, scripts: boolean, next: string) {
  await open(page, `/auth/login?next=${next}`, scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await send(page, BUTTONS.login);
}

async function enter(page: Page, code: string, button: string, scripts: boolean) {
  await alive(page, scripts);
  await fill(page, { [FIELDS.code]: code });
  await send(page, button);
}
