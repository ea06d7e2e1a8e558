// What the tests have in common: a page that must log no error, its forms, the mails the registry sent, and another site.
import { test as base, expect, type CDPSession, type Page, type Response } from '@playwright/test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PASSWORD } from './servers';
import { BUTTONS, FIELDS, SAYS } from './words';

export { expect };
export { PASSWORD, newEmail } from './servers';

export const test = base.extend<{ scripts: boolean }>({
  scripts: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled ?? true),
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      // Chromium's own line for an answer of 4xx or 5xx, or for none.
      const isRefusal = /^Failed to load resource: (the server responded with a status of [45]|net::ERR_INTERNET_DISCONNECTED)/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !isRefusal) errors.push(message.text());
    });
    await use(page);
    expect(errors).toEqual([]);
  },
});

/** How often to look for what comes within a moment, in milliseconds. */
const SOON = [25];

/** Opens a page, and with scripts waits until its form is alive; where they are not to come, nobody waits for them. */
export async function open(page: Page, path: string, scripts: boolean) {
  await page.goto(path, { waitUntil: scripts ? 'load' : 'domcontentloaded' });
  await alive(page, scripts);
}

/** With scripts, waits until the form of the page is alive: something hears that it is sent. */
export async function alive(page: Page, scripts: boolean) {
  if (!scripts || (await page.locator('leptos-island form').count()) === 0) return;
  const browser = await session(page);
  await expect.poll(() => listeners(browser, 'leptos-island form'), { message: 'the form comes alive', intervals: SOON }).toContain('submit');
}

const sessions = new WeakMap<Page, Promise<CDPSession>>();

/** Chromium's debugger of this page. It is never detached, for that would take away the virtual authenticator too. */
export function session(page: Page): Promise<CDPSession> {
  const browser = sessions.get(page) ?? page.context().newCDPSession(page);
  sessions.set(page, browser);
  return browser;
}

/** The events an element listens to. */
async function listeners(browser: CDPSession, selector: string): Promise<string[]> {
  // The last one of a page comes alive last.
  const expression = `[...document.querySelectorAll(${JSON.stringify(selector)})].at(-1)`;
  const { result } = await browser.send('Runtime.evaluate', { expression });
  // The page may be on its way to another one.
  if (!result.objectId) return [];
  const found = await browser.send('DOMDebugger.getEventListeners', { objectId: result.objectId });
  return found.listeners.map(({ type }) => type);
}

/** Fills in the fields with these labels. */
export async function fill(page: Page, typed: Record<string, string>) {
  for (const [label, text] of Object.entries(typed)) {
    await page.getByLabel(label, { exact: true }).fill(text);
  }
}

/** Presses the button with this name. */
export async function press(page: Page, button: string | RegExp) {
  await page.getByRole('button', { name: button, exact: true }).click();
}

/** Sends the form, and waits for the answer. */
export async function send(page: Page, button: string | RegExp): Promise<Response> {
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await press(page, button);
  await (await answer).finished();
  return answer;
}

/** Signs a new user up by the page, and waits for the account. */
export async function signUp(page: Page, email: string, scripts: boolean) {
  await open(page, '/auth/signup', scripts);
  await fill(page, { [FIELDS.name]: 'Ada Lovelace', [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.signup);
  await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
}

/** The link to a page in the mail that went to this address, and says these words. */
export async function mailedLink(
  email: string,
  outbox: string = base.info().project.metadata.outbox,
  page = '/auth/reset-password',
  words = '',
): Promise<string> {
  let link: string | undefined;
  await expect
    .poll(
      () => {
        const mail = mailsIn(outbox).find((text) => text.includes(`To: ${email}`) && text.includes(`${page}?uuid=`) && text.includes(words));
        link = mail?.split('\r\n').find((line) => /^http\S+\?uuid=\S+$/.test(line));
        return link;
      },
      { message: 'the mail arrives', intervals: SOON },
    )
    .toBeTruthy();
  return link!;
}

/** The mails that were read, by their files, which never change. */
const mails = new Map<string, string>();

function mailsIn(outbox: string): string[] {
  return (existsSync(outbox) ? readdirSync(outbox) : [])
    .filter((name) => name.endsWith('.eml'))
    .map((name) => {
      const file = join(outbox, name);
      const text = mails.get(file) ?? readFileSync(file, 'utf8');
      mails.set(file, text);
      return text;
    });
}

/**
 * Has another site show this page for as long as the visit lasts.
 *
 * Its two origins: another port is another origin of the same site, another name another site.
 */
export async function elsewhere(html: string, visit: (origins: [string, string]) => Promise<void>) {
  const site = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html));
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  const { port } = site.address() as AddressInfo;
  try {
    await visit([`http://127.0.0.1:${port}`, `http://localhost:${port}`]);
  } finally {
    site.close();
    site.closeAllConnections();
  }
}

/** The button of a trap. */
export const BAIT = 'Win a prize';

/** A page that posts a form of its own making to the registry when its button is pressed. */
export function trap(action: string, type = 'application/x-www-form-urlencoded'): string {
  return `<form action="${action}" method="post" enctype="${type}">
    <input name="name" value="Eve"><input name="email" value="eve@example.org"><input name="password" value="${PASSWORD}">
    <button>${BAIT}</button></form>`;
}
