// Three pages as a newcomer sees them, by day and by night.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, fill, mailedLink, newEmail, open, press, signUp, test } from '../tests/registry';
import { PASSWORD, PROJECT } from '../tests/servers';
import { BUTTONS, FIELDS, SAYS } from '../tests/words';

const FOLDER = join(PROJECT, 'docs/pictures');

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, viewport: { width: 480, height: 760 } });

    test('login, account and sessions', async ({ page, browser, baseURL, scripts }) => {
      mkdirSync(FOLDER, { recursive: true });
      const take = (name: string) => page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`) });
      await open(page, '/auth/login', scripts);
      await take('login');

      const email = newEmail();
      await signUp(page, email, scripts);
      await page.goto(await mailedLink(email, undefined, '/auth/confirm-email'));
      await press(page, BUTTONS.confirmEmail);
      await expect(page.getByRole('status')).toHaveText(SAYS.emailConfirmed);
      // Nobody's address is as long as a made-up one.
      await page.goto('/account');
      await page.locator('dd', { hasText: email }).evaluate((element) => (element.textContent = 'ada@example.org (confirmed)'));
      await take('account');

      const phone = await browser.newContext({ baseURL, userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1' });
      const other = await phone.newPage();
      await open(other, '/auth/login', false);
      await fill(other, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
      await press(other, BUTTONS.login);
      await expect(other.getByText(SAYS.loggedIn)).toBeVisible();
      await phone.close();
      await page.goto('/account/sessions');
      await take('sessions');
    });
  });
}
