// The whole life of a passkey, in Chromium's virtual authenticator.
import type { Page } from '@playwright/test';
import { Authenticator, withoutAutofill } from './authenticator';
import { PASSWORD, expect, fill, mailedLink, newEmail, open, press, signUp } from './registry';
import { BUTTONS, FIELDS, HEADINGS, REFUSALS, SAYS } from './words';
import { test } from './worlds';

test.use({ world: 'with passkeys' });

test.describe('with scripts', () => {
  test.skip(({ scripts }) => !scripts, 'no browser uses passkeys without');

  test('a passkey is added, and logs in where the browser offers it', async ({ page, scripts }) => {
    await signUp(page, newEmail(), scripts);
    const authenticator = await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);
    await expect(page.getByRole('heading', { name: 'Laptop' })).toBeVisible();

    // The same device has it already.
    await fill(page, { [FIELDS.passkeyName]: 'Laptop again' });
    await press(page, BUTTONS.addPasskey);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyHere })).toBeVisible();

    // The virtual authenticator takes what the browser offers in the field of the email.
    await press(page, BUTTONS.logout);
    await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
  });

  test('a passkey logs in by its button, until it is removed', async ({ page, scripts }) => {
    await withoutAutofill(page);
    await signUp(page, newEmail(), scripts);
    await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    await logOut(page);
    await page.goto('/auth/login?next=/account/security');
    await press(page, BUTTONS.passkeyLogin);
    await expect(page).toHaveURL('/account/security');

    // Both factors were shown: nothing more is asked for.
    await press(page, BUTTONS.removePasskey);
    await expect(page.getByRole('status')).toContainText(SAYS.passkeyRemoved);
    await logOut(page);
    await press(page, BUTTONS.passkeyLogin);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyRefused })).toBeVisible();
  });

  test('a key that knows nobody is a second factor after the password, and none alone', async ({ page, scripts }) => {
    const email = newEmail();
    await signUp(page, email, scripts);
    await withoutAutofill(page);
    await Authenticator.of(page, { hasUserVerification: false });
    await addPasskey(page, 'Security key');
    await logOut(page);
    await press(page, BUTTONS.passkeyLogin);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.noPasskey })).toBeVisible();

    await open(page, '/auth/login?next=/account/security', scripts);
    await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
    await press(page, BUTTONS.login);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(HEADINGS.secondFactor);
    await press(page, BUTTONS.usePasskey);
    await expect(page).toHaveURL('/account/security');
    await expect(page.getByText(/last used/)).toBeVisible();
  });

  test('a passkey whose user is not recognized logs nobody in', async ({ page, scripts }) => {
    await withoutAutofill(page);
    await signUp(page, newEmail(), scripts);
    const authenticator = await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    await logOut(page);
    await authenticator.setVerified(false);
    await press(page, BUTTONS.passkeyLogin);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.noPasskey })).toBeVisible();
  });

  test('a copy of a passkey is refused once the other one was used', async ({ page, scripts }) => {
    await withCopy(page, newEmail(), scripts);
    await press(page, BUTTONS.passkeyLogin);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyCopied })).toBeVisible();
    expect((await page.context().cookies()).map(({ name }) => name)).not.toContain('uuid');
  });

  test('a passkey that is refused as second factor can be used again there', async ({ page, scripts }) => {
    const email = newEmail();
    await withCopy(page, email, scripts);
    await open(page, '/auth/login?next=/account/security', scripts);
    await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
    await press(page, BUTTONS.login);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(HEADINGS.secondFactor);
    await press(page, BUTTONS.usePasskey);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyCopied })).toBeVisible();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(HEADINGS.secondFactor);
    // Now it has counted as far as the other one, and further.
    await press(page, BUTTONS.usePasskey);
    await expect(page).toHaveURL('/account/security');
  });

  test('who has no passkey is told so, and can go on', async ({ page, scripts }) => {
    const email = newEmail();
    await signUp(page, email, scripts);
    await Authenticator.of(page);
    await logOut(page);
    await open(page, '/auth/login', scripts);
    await press(page, BUTTONS.passkeyLogin);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.noPasskey })).toBeVisible();
    await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
    await press(page, BUTTONS.login);
    await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
  });

  test('who was logged in for long is asked for a passkey, and the form goes on', async ({ visit, page, scripts }) => {
    const email = newEmail();
    visit.registry.setLater!(false);
    await signUp(page, email, scripts);
    await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    visit.registry.setLater!(true);
    const other = newEmail();
    await open(page, '/account', scripts);
    await fill(page, { [FIELDS.newEmail]: other });
    await page.locator('section', { hasText: FIELDS.newEmail }).getByRole('button', { name: BUTTONS.confirmByPasskey }).click();
    await expect(page.getByRole('status')).toContainText(SAYS.emailAsked);
    await mailedLink(other, visit.registry.outbox, '/auth/confirm-email');
    visit.registry.setLater!(false);
  });

  test('another passkey is added after the first was shown again', async ({ visit, page, scripts }) => {
    visit.registry.setLater!(false);
    await signUp(page, newEmail(), scripts);
    const first = await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    visit.registry.setLater!(true);
    await open(page, '/account/security', scripts);
    await fill(page, { [FIELDS.passkeyName]: 'Laptop again' });
    await press(page, BUTTONS.confirmByPasskey);
    // It goes on to the very device that has one.
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyHere })).toBeVisible();
    expect(await first.passkeys()).toHaveLength(1);
    visit.registry.setLater!(false);
  });

  test('a page from before asks who is there, and keeps the name', async ({ visit, page, scripts }) => {
    visit.registry.setLater!(false);
    await signUp(page, newEmail(), scripts);
    const first = await Authenticator.of(page);
    await addPasskey(page, 'Laptop');
    await open(page, '/account/security', scripts);
    visit.registry.setLater!(true);
    await fill(page, { [FIELDS.passkeyName]: 'Laptop again' });
    await press(page, BUTTONS.addPasskey);
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.noCode })).toBeVisible();
    await expect(page.getByLabel(FIELDS.confirmByCode)).toBeFocused();
    await expect(page.getByLabel(FIELDS.passkeyName)).toHaveValue('Laptop again');
    await press(page, BUTTONS.confirmByPasskey);
    // It goes on to the very device that has one.
    await expect(page.getByRole('alert').filter({ hasText: REFUSALS.passkeyHere })).toBeVisible();
    expect(await first.passkeys()).toHaveLength(1);
    visit.registry.setLater!(false);
  });
});

test('where a browser has no passkeys, nothing of them is shown', async ({ page, scripts }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'PublicKeyCredential'));
  await open(page, '/auth/login', scripts);
  await expect(page.getByRole('button', { name: BUTTONS.passkeyLogin })).toHaveCount(0);
  await signUp(page, newEmail(), scripts);
  await page.goto('/account/security');
  await expect(page.getByRole('heading', { name: 'Passkeys' })).toBeVisible();
  await expect(page.getByLabel(FIELDS.passkeyName)).toBeHidden();
  await expect(page.getByRole('button', { name: BUTTONS.addPasskey })).toHaveCount(0);
});

/** Signs up with a passkey, and logs out with a copy of it from before its last use. */
async function withCopy(page: Page, email: string, scripts: boolean) {
  await withoutAutofill(page);
  await signUp(page, email, scripts);
  const authenticator = await Authenticator.of(page);
  await addPasskey(page, 'Laptop');
  const [copy] = await authenticator.passkeys();
  await logOut(page);
  await press(page, BUTTONS.passkeyLogin);
  await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
  await logOut(page);
  await authenticator.goBackTo(copy);
}

/** Adds a passkey to the account that is logged in. */
async function addPasskey(page: Page, name: string) {
  await open(page, '/account/security', true);
  await fill(page, { [FIELDS.passkeyName]: name });
  await press(page, BUTTONS.addPasskey);
  await expect(page.getByRole('status')).toHaveText(SAYS.passkeyAdded);
}

async function logOut(page: Page) {
  await press(page, BUTTONS.logout);
  await expect(page).toHaveURL('/auth/login');
}
