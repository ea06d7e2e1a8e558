// What a person does with an account, from signup to a new password.
import { PASSWORD, alive, expect, mailedLink, newEmail, open, signUp, test } from './registry';

test('signup, logout, login, forgotten password, reset, login', async ({ page, scripts }) => {
  const email = newEmail();
  await page.goto('/');
  await page.getByRole('link', { name: 'Sign up' }).click();
  await alive(page, scripts);
  await page.getByLabel('Name').fill('Ada Lovelace');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page).toHaveURL('/');
  await expect(page.getByText(`You are logged in as Ada Lovelace (${email}).`)).toBeVisible();

  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page).toHaveURL('/auth/login');

  await alive(page, scripts);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page).toHaveURL('/');
  await page.getByRole('button', { name: 'Log out' }).click();

  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Send reset link' }).click();
  await expect(page).toHaveURL('/auth/reset-password?notice=sent');
  await expect(page.getByRole('status')).toContainText('If this email has an account, a password reset link has been sent to it');

  const link = await mailedLink(email);
  await page.goto(link);
  await expect(page).toHaveURL('/auth/reset-password');
  expect(await page.content()).not.toContain(new URL(link).searchParams.get('uuid'));
  await alive(page, scripts);
  await expect(page.getByLabel('Account')).toHaveValue(email);
  await page.getByLabel('New password').fill('short');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.locator('#password-error')).toHaveText('Password must be at least 8 characters');
  await alive(page, scripts);
  await page.getByLabel('New password').fill('plum tractor glow');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page).toHaveURL('/auth/login?notice=password-changed');
  await expect(page.getByRole('status')).toContainText('Your password was changed');

  await alive(page, scripts);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.locator('.form-error')).toHaveText('Invalid email or password');
  await page.getByLabel('Password', { exact: true }).fill('plum tractor glow');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByText('You are logged in as Ada Lovelace')).toBeVisible();
  await page.goto(link);
  await expect(page.locator('.form-error')).toHaveText('User not found');
  await expect(page.getByRole('button', { name: 'Send reset link' })).toBeVisible();
});

test('a refusal keeps what was typed, and with scripts the page too', async ({ page, scripts }) => {
  await open(page, '/auth/login?next=/auth/signup', scripts);
  await page.evaluate(() => document.body.setAttribute('data-same-page', '')).catch(() => {});
  await page.getByLabel('Email').fill('john');
  await page.getByLabel('Password', { exact: true }).fill('doe');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.locator('.form-error')).toHaveText('Invalid email or password');
  await expect(page.getByLabel('Email')).toHaveValue('john');
  await expect(page.locator('input[name=next]')).toHaveValue('/auth/signup');
  if (scripts) {
    await expect(page.locator('body[data-same-page]')).toHaveCount(1);
  } else {
    await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  }
});

test('an empty form is refused at its first field, which gets the focus', async ({ page, scripts }) => {
  await open(page, '/auth/signup', scripts);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.locator('#name-error')).toHaveText('Name is required');
  await expect(page.getByLabel('Name')).toBeFocused();
  await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Email').fill('ada');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.locator('#email-error')).toHaveText('Enter a valid email address');
  await expect(page.locator('#name-error')).toBeEmpty();
  await expect(page.getByLabel('Email')).toBeFocused();
  await expect(page.getByLabel('Name')).toHaveValue('Ada');
});

test('a taken email is refused', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await page.getByRole('button', { name: 'Log out' }).click();
  await open(page, '/auth/signup', scripts);
  await page.getByLabel('Name').fill('Eve');
  await page.getByLabel('Email').fill(email.toUpperCase());
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.locator('#email-error')).toHaveText('A user with this email already exists');
});

test('a login leads where the visitor wanted to go', async ({ page, scripts }) => {
  const email = newEmail();
  await signUp(page, email, scripts);
  await page.getByRole('button', { name: 'Log out' }).click();
  await open(page, '/auth/login?next=/auth/reset-password', scripts);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
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

test('an unknown path has a page with a way on', async ({ page }) => {
  const answer = await page.goto('/nowhere');
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await page.getByRole('link', { name: 'To the start page' }).click();
  await expect(page).toHaveURL('/');
});
