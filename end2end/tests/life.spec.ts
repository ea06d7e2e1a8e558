// The whole life of an account, as its owner lives it.
import { PASSWORD, alive, expect, fill, mailedLink, newEmail, open, press, signUp, test } from './registry';
import { BUTTONS, FIELDS, HEADINGS, LINKS, REFUSALS, SAYS } from './words';

const NEW_PASSWORD = 'plum tractor glow';
const LAST_PASSWORD = 'amber window seven';

test('an account is confirmed, seen, changed, taken back and left', async ({ page, browser, baseURL, scripts }) => {
  test.setTimeout(90_000);
  const [email, second] = [newEmail(), newEmail()];
  const mail = (to: string, path: string) => mailedLink(to, undefined, path);
  await signUp(page, email, scripts);
  await page.getByRole('link', { name: LINKS.settings }).click();
  await expect(page.getByText(SAYS.notConfirmed)).toBeVisible();

  // A stranger who gets the link cannot confirm, even logged in.
  const link = await mail(email, '/auth/confirm-email');
  const stranger = await browser.newContext({ baseURL, javaScriptEnabled: scripts });
  const strange = await stranger.newPage();
  await signUp(strange, newEmail(), scripts);
  await strange.goto(link);
  await press(strange, BUTTONS.confirmEmail);
  await expect(strange.getByRole('heading', { level: 1 })).toHaveText(HEADINGS.deadLink);
  await stranger.close();

  await page.goto(link);
  expect(await page.content()).not.toContain(new URL(link).searchParams.get('uuid'));
  await press(page, BUTTONS.confirmEmail);
  await expect(page.getByRole('status')).toHaveText(SAYS.emailConfirmed);

  // A second device.
  const other = await browser.newContext({ baseURL, javaScriptEnabled: scripts });
  const phone = await other.newPage();
  await open(phone, '/auth/login', scripts);
  await fill(phone, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(phone, BUTTONS.login);
  await expect(phone.getByText(SAYS.loggedIn)).toBeVisible();
  await mail(email, '/auth/not-me');
  await page.goto('/account/sessions');
  await expect(page.getByRole('listitem')).toHaveCount(2);
  await press(page, BUTTONS.endSession);
  await expect(page.getByRole('status')).toHaveText(SAYS.sessionEnded);
  await expect(page.getByText(SAYS.nowhereElse)).toBeVisible();
  await phone.goto('/account');
  await expect(phone).toHaveURL('/auth/login?next=/account');

  await open(page, '/account', scripts);
  await fill(page, { [FIELDS.name]: 'Ada King' });
  await press(page, BUTTONS.changeName);
  await expect(page.getByRole('status')).toHaveText(SAYS.nameChanged);
  await alive(page, scripts);
  await fill(page, { [FIELDS.currentPassword]: PASSWORD, [FIELDS.newPassword]: NEW_PASSWORD });
  await press(page, BUTTONS.changePassword);
  await expect(page.getByRole('status')).toContainText(SAYS.passwordChanged);
  await alive(page, scripts);
  await fill(page, { [FIELDS.newEmail]: second });
  await press(page, BUTTONS.changeEmail);
  await expect(page.getByRole('status')).toContainText(SAYS.emailAsked);
  await page.goto(await mail(second, '/auth/confirm-email'));
  await press(page, BUTTONS.confirmEmail);
  await expect(page.getByText(second)).toBeVisible();

  await page.getByRole('link', { name: LINKS.history }).click();
  await expect(page.getByRole('listitem').first()).toContainText('Email changed');
  const exported = await page.request.get('/account/export');
  expect(exported.headers()['content-disposition']).toContain('attachment');
  expect((await exported.json()).former_emails[0].email).toBe(email);

  // The old address undoes it.
  const undo = await mailedLink(email, undefined, '/auth/not-me', 'has had another one since');
  await phone.goto(undo);
  await press(phone, BUTTONS.notMe);
  await expect(phone).toHaveURL('/auth/reset-password?notice=sent');
  await page.goto('/account');
  await expect(page).toHaveURL('/auth/login?next=/account');
  await phone.goto(undo);
  await expect(phone.getByRole('alert')).toHaveText(REFUSALS.deadLink);

  await open(phone, await mail(email, '/auth/reset-password'), scripts);
  await fill(phone, { [FIELDS.newPassword]: LAST_PASSWORD });
  await press(phone, BUTTONS.changePassword);
  await expect(phone).toHaveURL('/auth/login?notice=password-changed');
  await open(phone, '/auth/login?next=/account', scripts);
  await fill(phone, { [FIELDS.email]: email, [FIELDS.password]: LAST_PASSWORD });
  await press(phone, BUTTONS.login);
  await expect(phone.getByText(`${email} (confirmed)`)).toBeVisible();

  await alive(phone, scripts);
  await fill(phone, { [FIELDS.deleteEmail]: email, [FIELDS.deletePassword]: LAST_PASSWORD });
  await press(phone, BUTTONS.deleteAccount);
  await expect(phone.getByRole('status')).toHaveText(SAYS.accountDeleted);
  await signUp(phone, email, scripts);
  await phone.goto('/account');
  await expect(phone.getByText(SAYS.notConfirmed)).toBeVisible();
  await other.close();
});
