// Who was logged in for long shows again who is there, with the strongest factor there is.
import { Phone } from './phone';
import { alive, expect, fill, newEmail, open, press, send, signUp } from './registry';
import { BUTTONS, FIELDS, REFUSALS, SAYS } from './words';
import { test } from './worlds';

const AN_HOUR = 3600;

test.use({ world: 'with a clock that moves' });

test('with an authenticator app it is a code, and what was typed is kept', async ({ visit, page, scripts }) => {
  visit.registry.setLater!(false);
  await signUp(page, newEmail(), scripts);
  await page.goto('/account/security');
  await press(page, BUTTONS.addApp);
  await expect(page).toHaveURL('/account/totp');
  const secret = (await page.locator('code.text').textContent())!;
  await alive(page, scripts);
  await fill(page, { [FIELDS.code]: await new Phone(secret).code() });
  await send(page, BUTTONS.confirm);
  await expect(page.getByRole('status')).toHaveText(SAYS.appAdded);

  // The page is from before, and so has no field for the code: the form comes back with one.
  await open(page, '/account', scripts);
  visit.registry.setLater!(true);
  const phone = new Phone(secret, AN_HOUR);
  const other = newEmail();
  await fill(page, { [FIELDS.newEmail]: other });
  await press(page, BUTTONS.changeEmail);
  const code = page.getByLabel(FIELDS.confirmByCode).first();
  await expect(code).toBeFocused();
  for (const [typed, sentence] of [
    ['000000000000', REFUSALS.wrongCode],
    [phone.off(-10), REFUSALS.otherMinute],
    ['', REFUSALS.noCode],
  ]) {
    await alive(page, scripts);
    await code.fill(typed);
    await send(page, BUTTONS.changeEmail);
    await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible();
    await expect(page.getByLabel(FIELDS.newEmail)).toHaveValue(other);
  }
  await alive(page, scripts);
  await code.fill(await phone.code());
  await send(page, BUTTONS.changeEmail);
  await expect(page.getByRole('status')).toContainText(SAYS.emailAsked);

  // Nothing is asked for now.
  await page.goto('/account/security');
  await press(page, BUTTONS.makeCodes);
  await expect(page.getByRole('status')).toHaveText(SAYS.codesMade);
  visit.registry.setLater!(false);
});

test('a button asks for the code in its place', async ({ visit, page, scripts }) => {
  visit.registry.setLater!(false);
  await signUp(page, newEmail(), scripts);
  await page.goto('/account/security');
  await press(page, BUTTONS.addApp);
  const secret = (await page.locator('code.text').textContent())!;
  await alive(page, scripts);
  await fill(page, { [FIELDS.code]: await new Phone(secret).code() });
  await send(page, BUTTONS.confirm);
  const codes = (await page.locator('pre.codes').innerText()).split('\n');
  visit.registry.setLater!(true);
  await page.goto('/account/security');
  await press(page, BUTTONS.removeApp);
  await alive(page, scripts);
  await fill(page, { [FIELDS.confirmByCode]: codes[0] });
  await press(page, BUTTONS.remove);
  await expect(page.getByRole('status')).toHaveText(SAYS.appRemoved);
  visit.registry.setLater!(false);
});
