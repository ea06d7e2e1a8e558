// What every test has: a page that must log no error, and the mails the registry sent.
import { test as base, expect, type Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export { expect };

/** A password nobody is told is too easy. */
export const PASSWORD = 'correct horse battery';

export const test = base.extend<{ scripts: boolean }>({
  scripts: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled ?? true),
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      // Chromium's own line for an answer of 4xx.
      const isRefusal = message.text().startsWith('Failed to load resource: the server responded with a status of 4');
      if (['error', 'warning'].includes(message.type()) && !isRefusal) errors.push(message.text());
    });
    await use(page);
    expect(errors).toEqual([]);
  },
});

/** An address no other test uses. */
export function newEmail(): string {
  return `ada-${crypto.randomUUID()}@example.org`;
}

/** Opens a page, and with scripts waits until its form is alive. */
export async function open(page: Page, path: string, scripts: boolean) {
  await page.goto(path);
  await alive(page, scripts);
}

/** With scripts, waits until the form of the page is alive: the button that needs them has come. */
export async function alive(page: Page, scripts: boolean) {
  const password = page.locator('input[name=password]');
  if (scripts && (await password.count()) > 0) {
    await expect(page.getByRole('button', { name: 'Show password' })).toBeVisible();
  }
}

export async function signUp(page: Page, email: string, scripts: boolean) {
  await open(page, '/auth/signup', scripts);
  await page.getByLabel('Name').fill('Ada Lovelace');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByText('You are logged in as Ada Lovelace')).toBeVisible();
}

/** The link in the mail that went to this address. */
export async function mailedLink(email: string): Promise<string> {
  const { outbox } = base.info().project.metadata as { outbox: string };
  let link: string | undefined;
  await expect
    .poll(
      () => {
        const mails = readdirSync(outbox)
          .filter((name) => name.endsWith('.eml'))
          .map((name) => readFileSync(join(outbox, name), 'utf8'));
        const mail = mails.find((text) => text.includes(`To: ${email}`) && text.includes('?uuid='));
        link = mail?.split('\r\n').find((line) => /^http\S+\?uuid=\S+$/.test(line));
        return link;
      },
      { message: 'the mail arrives' },
    )
    .toBeTruthy();
  return link!;
}
