// What a person does with an account, from signup to a new password.
import { PASSWORD, alive, expect, fill, mailedLink, newEmail, open, press, signUp, test } from './registry';
import { BUTTONS, FIELDS, LINKS, REFUSALS, SAYS } from './words';

test('signup, logout, login, forgotten password, reset, login', async ({ page, scripts }) => {
  const email = newEmail();
  await page.goto('/');
  await page.getByRole('link', { name: LINKS.signup }).click();
  await alive(page, scripts);
  await fill(page, { [FIELDS.name]: 'Ada Lovelace', [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.signup);
  await expect(page).toHaveURL('/');
  await expect(page.getByText(`${SAYS.loggedIn} (${email}).`)).toBeVisible();

  await press(page, BUTTONS.logout);
  await expect(page).toHaveURL('/auth/login');

  await alive(page, scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.login);
  await expect(page).toHaveURL('/');
  await press(page, BUTTONS.logout);

  await page.getByRole('link', { name: LINKS.forgot }).click();
  await fill(page, { [FIELDS.email]: email });
  await press(page, BUTTONS.sendLink);
  await expect(page).toHaveURL('/auth/reset-password?notice=sent');
  await expect(page.getByRole('status')).toContainText(SAYS.linkSent);

  const link = await mailedLink(email);
  await page.goto(link);
  await expect(page).toHaveURL('/auth/reset-password');
  expect(await page.content()).not.toContain(new URL(link).searchParams.get('uuid'));
  await alive(page, scripts);
  await expect(page.getByLabel(FIELDS.account)).toHaveValue(email);
  await fill(page, { [FIELDS.newPassword]: 'short' });
  await press(page, BUTTONS.changePassword);
  await expect(page.locator('#reset-password-password-error')).toHaveText(REFUSALS.shortPassword);
  await alive(page, scripts);
  await fill(page, { [FIELDS.newPassword]: 'plum tractor glow' });
  await press(page, BUTTONS.changePassword);
  await expect(page).toHaveURL('/auth/login?notice=password-changed');
  await expect(page.getByRole('status')).toContainText(SAYS.passwordChanged);

  await alive(page, scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.login);
  await expect(page.locator('.form-error')).toHaveText(REFUSALS.wrongLogin);
  await fill(page, { [FIELDS.password]: 'plum tractor glow' });
  await press(page, BUTTONS.login);
  await expect(page.getByText(SAYS.loggedIn)).toBeVisible();
  await page.goto(link);
  await expect(page.locator('.form-error')).toHaveText(REFUSALS.deadLink);
  await expect(page.getByRole('button', { name: BUTTONS.sendLink })).toBeVisible();
});

test('a refusal keeps what was typed, and with scripts the page too', async ({ page, scripts }) => {
  await open(page, '/auth/login?next=/auth/signup', scripts);
  await page.evaluate(() => document.body.setAttribute('data-same-page', '')).catch(() => {});
  await fill(page, { [FIELDS.email]: 'john', [FIELDS.password]: 'doe' });
  await press(page, BUTTONS.login);
  await expect(page.locator('.form-error')).toHaveText(REFUSALS.wrongLogin);
  await expect(page.getByLabel(FIELDS.email)).toHaveValue('john');
  await expect(page.locator('input[name=next]')).toHaveValue('/auth/signup');
  if (scripts) {
    await expect(page.locator('body[data-same-page]')).toHaveCount(1);
  } else {
    await expect(page.getByLabel(FIELDS.password, { exact: true })).toHaveValue('');
  }
});

test('an empty form is refused at its first field, and then at the next', async ({ page, scripts }) => {
  await open(page, '/auth/signup', scripts);
  await press(page, BUTTONS.signup);
  await expect(page.locator('#signup-name-error')).toHaveText(REFUSALS.noName);
  await expect(page.getByLabel(FIELDS.name)).toBeFocused();
  await fill(page, { [FIELDS.name]: 'Ada', [FIELDS.email]: 'ada' });
  await press(page, BUTTONS.signup);
  await expect(page.locator('#signup-email-error')).toHaveText(REFUSALS.badEmail);
  await expect(page.locator('#signup-name-error')).toBeEmpty();
  await expect(page.getByLabel(FIELDS.email)).toBeFocused();
  await expect(page.getByLabel(FIELDS.name)).toHaveValue('Ada');
});

test('a taken email is refused', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await press(page, BUTTONS.logout);
  await open(page, '/auth/signup', scripts);
  await fill(page, { [FIELDS.name]: 'Eve', [FIELDS.email]: email.toUpperCase(), [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.signup);
  await expect(page.locator('#signup-email-error')).toHaveText(REFUSALS.takenEmail);
});

test('a login leads where the visitor wanted to go', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await press(page, BUTTONS.logout);
  await open(page, '/auth/login?next=/auth/reset-password', scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.login);
  await expect(page).toHaveURL('/auth/reset-password');
  await page.goto('/auth/login');
  await expect(page).toHaveURL('/');
});

test('a link cannot make a page say anything', async ({ page, scripts }) => {
  const error = Buffer.from('{"message":"Call 555-0100","code":401}').toString('base64url');
  await open(page, `/auth/login?__path=/auth/login&__err=${error}`, scripts);
  await expect(page.getByText('555-0100')).toHaveCount(0);
  await expect(page.locator('.form-error')).toBeEmpty();
});

test('the page of an unknown path leads on', async ({ page }) => {
  await page.goto('/nowhere');
  await page.getByRole('link', { name: LINKS.home }).click();
  await expect(page).toHaveURL('/');
});
