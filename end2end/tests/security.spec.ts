// What a page of another site can do to our users in a real browser: nothing.
import { BAIT, PASSWORD, alive, elsewhere, expect, fill, mailedLink, newEmail, open, press, send, signUp, test, trap } from './registry';
import { BUTTONS, FIELDS, LINKS, REFUSALS, SAYS } from './words';

for (const route of ['login', 'signup', 'logout', 'forgot-password', 'reset-password']) {
  /** ASVS 3.5.1, login CSRF included. */
  test(`${route}: forms of other sites are refused`, async ({ page, baseURL, scripts }) => {
    const email = newEmail();
    await signUp(page, email, scripts);
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']) {
      await elsewhere(trap(`${baseURL}/auth/${route}`, type), async (origins) => {
        for (const origin of origins) {
          await page.goto(origin);
          expect((await send(page, BAIT)).status(), `${route} ${type} ${origin}`).toBe(403);
          await expect(page.getByRole('alert')).toHaveText(REFUSALS.otherSite);
        }
      });
    }
    await page.goto('/');
    await expect(page.getByText(`${SAYS.loggedIn} (${email}).`)).toBeVisible();
  });
}

/** ASVS 3.4.6 */
test('no page can be framed', async ({ context, baseURL }) => {
  await elsewhere(`<iframe src="${baseURL}/auth/login"></iframe>`, async (origins) => {
    for (const origin of origins) {
      const page = await context.newPage();
      await page.goto(origin);
      await expect(page.frameLocator('iframe').getByLabel(FIELDS.email)).toHaveCount(0);
      await page.close();
    }
  });
});

/** ASVS 3.4.5: a form of our own says where it comes from, and never with the uuid. */
test('the form of the reset page is known for our own', async ({ page, baseURL, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await press(page, BUTTONS.logout);
  await page.goto('/auth/reset-password');
  await fill(page, { [FIELDS.email]: email });
  await press(page, BUTTONS.sendLink);
  await expect(page).toHaveURL('/auth/reset-password?notice=sent');
  const link = await mailedLink(email);
  const uuid = new URL(link).searchParams.get('uuid')!;

  const seen: string[] = [];
  page.on('request', (request) => {
    if (!request.isNavigationRequest() || request.url() !== link) seen.push(request.url(), JSON.stringify(request.headers()));
  });
  await page.goto(link);
  await expect(page).toHaveURL('/auth/reset-password');
  await alive(page, scripts);
  await fill(page, { [FIELDS.newPassword]: 'plum tractor glow' });
  const [request] = await Promise.all([
    page.waitForRequest((request) => request.method() === 'POST'),
    press(page, BUTTONS.changePassword),
  ]);
  await expect(page).toHaveURL('/auth/login?notice=password-changed');
  const headers = await request.allHeaders();
  expect(headers['origin']).toBe(baseURL);
  expect(headers['sec-fetch-site']).toBe('same-origin');
  expect(seen.join('\n')).not.toContain(uuid);
});

/** ASVS 3.7.2 */
test('a login leads nowhere else', async ({ page, baseURL, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await press(page, BUTTONS.logout);
  await elsewhere('Won', async ([, otherSite]) => {
    const { host } = new URL(otherSite);
    for (const next of [`//${host}`, `/\\${host}`, `http:${host}`, `%2f%2f${host}`, `/\t/${host}`, 'javascript:alert(1)', `/..//${host}`, `@${host}`]) {
      await open(page, `/auth/login?next=${encodeURIComponent(next)}`, scripts);
      await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
      await press(page, BUTTONS.login);
      await expect(page.getByText(SAYS.loggedIn), next).toBeVisible();
      expect(page.url()).toBe(`${baseURL}/`);
      await press(page, BUTTONS.logout);
      await expect(page).toHaveURL('/auth/login');
    }
  });
});

/** ASVS 3.3.4, 14.3.1, 14.3.3 */
test('nothing of a user is left for scripts, nor after logout', async ({ page, context, scripts }) => {
  await signUp(page, newEmail(), scripts);
  for (const cookie of await context.cookies()) {
    expect(cookie, cookie.name).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
  }
  const kept = await context.storageState();
  expect(kept.origins).toEqual([]);
  if (scripts) expect(await page.evaluate(() => document.cookie)).toBe('');
  await press(page, BUTTONS.logout);
  await expect(page).toHaveURL('/auth/login');
  await page.goBack();
  await expect(page.getByRole('link', { name: LINKS.login })).toBeVisible();
  await expect(page.getByText('Ada Lovelace')).toHaveCount(0);
});
