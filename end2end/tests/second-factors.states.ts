// The states of second factors: the page of them, adding an authenticator app, and the second step of a login.
import { expect } from '@playwright/test';
import { later, sendFilled, settings } from './account.states';
import { Authenticator, withoutAutofill } from './authenticator';
import { Phone } from './phone';
import { alive, fill, open, press, send } from './registry';
import { PASSWORD } from './servers';
import { alert, blamed, refused, shown, type State, type Visit } from './states';
import { BUTTONS, FIELDS, HEADINGS, LINKS, REFUSALS, SAYS } from './words';

const PAGE = '/account/security';
const NO_CODE = '0000-0000-0000-0000';

/** All of them; asked for late, since the words of the states stand in the file that asks. */
export function SECOND_FACTOR_STATES(): State[] {
  const AREA = [LINKS.account, LINKS.security, LINKS.sessions, LINKS.tokens, LINKS.history];
  const SECURITY = { ...shown(HEADINGS.security), links: [...AREA, LINKS.changeIt] };
  const ON = { ...SECURITY, buttons: [BUTTONS.otherApp, BUTTONS.removeApp, BUTTONS.makeCodes] };
  const CODES = { ...ON, links: [...ON.links, LINKS.download] };
  const TOTP = { ...shown(HEADINGS.totp), buttons: [BUTTONS.confirm], links: [LINKS.openApp, LINKS.notNow] };
  const STEP = { ...shown(HEADINGS.secondFactor), buttons: [BUTTONS.login], links: [LINKS.somebodyElse] };
  const told = (text: string) => ({ text, role: 'status' as const });
  const wrongCode = (text: string) => ({ ...blamed(STEP, FIELDS.code, text), status: 401 });
  return [
    { name: 'security', reach: security, ...SECURITY, buttons: [BUTTONS.addApp], says: { text: SAYS.noPasskeys } },
    { name: 'totp', reach: totp, ...TOTP, focus: FIELDS.code },
    {
      name: 'totp-wrong-code',
      reach: async (visit) => {
        await totp(visit);
        await sendFilled(visit, BUTTONS.confirm, { [FIELDS.code]: '12' });
      },
      isAlsoDrawn: true,
      ...blamed(TOTP, FIELDS.code, REFUSALS.wrongCode),
    },
    {
      name: 'totp-too-late',
      world: 'with a clock that moves',
      reach: async (visit) => {
        await totp(visit);
        await later(visit, () => sendFilled(visit, BUTTONS.confirm, { [FIELDS.code]: '123456' }));
      },
      needsScripts: true,
      status: 400,
      ...refused(TOTP),
      focus: FIELDS.code,
      says: alert(REFUSALS.setupExpired),
    },
    {
      name: 'security-app-added',
      reach: async (visit) => {
        const phone = await totp(visit);
        await sendFilled(visit, BUTTONS.confirm, { [FIELDS.code]: await phone.code() });
        await expect(visit.page.getByText(SAYS.codesShown)).toBeVisible();
      },
      ...CODES,
      says: told(SAYS.appAdded),
    },
    {
      name: 'security-app',
      reach: (visit) => withApp(visit),
      ...ON,
      says: { text: SAYS.allCodes },
    },
    {
      name: 'security-few-codes',
      reach: async (visit) => {
        const { email, codes } = await withApp(visit);
        for (const code of codes.slice(0, 7)) {
          const answer = await visit.page.request.post('/auth/login', { form: { email, password: PASSWORD, code } });
          expect(answer.status(), await answer.text()).toBe(200);
        }
        await visit.page.goto(PAGE);
      },
      ...ON,
      says: { text: SAYS.fewCodes },
    },
    {
      name: 'security-codes-made',
      reach: async (visit) => {
        await withApp(visit);
        await press(visit.page, BUTTONS.makeCodes);
        await expect(visit.page.getByText(SAYS.codesShown)).toBeVisible();
      },
      ...CODES,
      says: told(SAYS.codesMade),
    },
    {
      name: 'security-app-removed',
      reach: async (visit) => {
        await withApp(visit);
        await press(visit.page, BUTTONS.removeApp);
        await expect(visit.page).toHaveURL(`${PAGE}?notice=app-removed`);
      },
      ...SECURITY,
      buttons: [BUTTONS.addApp],
      says: told(SAYS.appRemoved),
    },
    {
      name: 'security-code-asked',
      world: 'with a clock that moves',
      reach: async (visit) => {
        await withApp(visit);
        await later(visit, async () => {
          await press(visit.page, BUTTONS.removeApp);
          await expect(visit.page.getByLabel(FIELDS.confirmByCode)).toBeVisible();
        });
      },
      ...blamed(SECURITY, FIELDS.confirmByCode, REFUSALS.noCode),
      status: 403,
    },
    { name: 'second-factor', reach: secondStep, ...STEP, focus: FIELDS.code, says: { text: SAYS.secondStep } },
    {
      name: 'second-factor-empty',
      reach: async (visit) => {
        await secondStep(visit);
        await sendFilled(visit, BUTTONS.login, { [FIELDS.code]: '' });
      },
      isAlsoDrawn: true,
      ...wrongCode(REFUSALS.noCode),
    },
    {
      name: 'second-factor-wrong-code',
      reach: async (visit) => {
        await secondStep(visit);
        await sendFilled(visit, BUTTONS.login, { [FIELDS.code]: NO_CODE });
      },
      isAlsoDrawn: true,
      ...wrongCode(REFUSALS.wrongCode),
    },
    {
      name: 'second-factor-used-code',
      reach: async (visit) => {
        const phone = await secondStep(visit);
        await sendFilled(visit, BUTTONS.login, { [FIELDS.code]: phone.used() });
      },
      ...wrongCode(REFUSALS.usedCode),
    },
    {
      name: 'second-factor-other-minute',
      reach: async (visit) => {
        const phone = await secondStep(visit);
        await sendFilled(visit, BUTTONS.login, { [FIELDS.code]: phone.off(-10) });
      },
      ...wrongCode(REFUSALS.otherMinute),
    },
    ...passkeys(SECURITY, STEP),
  ];
}

/** What is there only where a browser has passkeys. */
function passkeys(SECURITY: ReturnType<typeof shown>, STEP: ReturnType<typeof shown>): State[] {
  const LOGIN = { ...shown(HEADINGS.login), buttons: [BUTTONS.login, BUTTONS.passkeyLogin], links: [LINKS.forgot, LINKS.createAccount] };
  const told = (text: string) => ({ text, role: 'status' as const });
  const atName = { world: 'with passkeys' as const, needsScripts: true as const };
  return [
    {
      name: 'login-passkey',
      ...atName,
      reach: ({ page }) => page.goto('/auth/login'),
      ...LOGIN,
      focus: FIELDS.email,
    },
    {
      name: 'login-passkey-none',
      ...atName,
      reach: async ({ page }) => {
        await Authenticator.of(page);
        await page.goto('/auth/login');
        await press(page, BUTTONS.passkeyLogin);
        await expect(page.getByText(REFUSALS.noPasskey)).toBeVisible();
      },
      ...LOGIN,
      says: alert(REFUSALS.noPasskey),
    },
    {
      name: 'login-passkey-refused',
      ...atName,
      reach: async (visit) => {
        const { page } = visit;
        await withPasskey(visit);
        await press(page, BUTTONS.removePasskey);
        await expect(page).toHaveURL(`${PAGE}?notice=passkey-removed`);
        await press(page, BUTTONS.logout);
        await expect(page).toHaveURL('/auth/login');
        await press(page, BUTTONS.passkeyLogin);
        await expect(page.getByText(REFUSALS.passkeyRefused)).toBeVisible();
      },
      status: 401,
      ...refused(LOGIN),
      says: alert(REFUSALS.passkeyRefused),
    },
    {
      name: 'security-passkeys-none',
      ...atName,
      reach: security,
      ...SECURITY,
      buttons: [BUTTONS.addApp, BUTTONS.addPasskey],
    },
    {
      name: 'security-passkey-added',
      ...atName,
      reach: (visit) => withPasskey(visit),
      ...SECURITY,
      buttons: [BUTTONS.addApp, BUTTONS.addPasskey, BUTTONS.removePasskey, BUTTONS.makeCodes],
      says: told(SAYS.passkeyAdded),
    },
    {
      name: 'security-passkey-here',
      ...atName,
      reach: async (visit) => {
        await withPasskey(visit);
        await fill(visit.page, { [FIELDS.passkeyName]: 'The laptop' });
        await press(visit.page, BUTTONS.addPasskey);
        await expect(visit.page.getByText(REFUSALS.passkeyHere)).toBeVisible();
      },
      ...SECURITY,
      buttons: [BUTTONS.addPasskey],
      says: alert(REFUSALS.passkeyHere),
    },
    {
      name: 'security-passkey-asked',
      ...atName,
      reach: async (visit) => {
        await withPasskey(visit);
        await later(visit, async () => {
          await press(visit.page, BUTTONS.removePasskey);
          await expect(visit.page.getByLabel(FIELDS.confirmByCode).first()).toBeVisible();
        });
      },
      ...blamed(SECURITY, FIELDS.confirmByCode, REFUSALS.noCode),
      status: 403,
      buttons: [BUTTONS.confirmByPasskey],
    },
    {
      name: 'second-factor-passkey',
      ...atName,
      reach: async (visit) => {
        const { page, registry } = visit;
        registry.setLater!(false);
        const { email } = await settings(visit);
        await withoutAutofill(page);
        await Authenticator.of(page);
        await addPasskey(visit, 'Laptop');
        await logOutAndIn(visit, email);
      },
      ...STEP,
      buttons: [BUTTONS.login, BUTTONS.usePasskey],
      focus: FIELDS.code,
    },
  ];
}

/** A new user in front of the second factors. */
async function security(visit: Visit) {
  const user = await settings(visit);
  await open(visit.page, PAGE, visit.scripts);
  return user;
}

/** A new user in front of the secret of an authenticator app; the phone with it. */
async function totp(visit: Visit): Promise<Phone> {
  await security(visit);
  await press(visit.page, BUTTONS.addApp);
  await expect(visit.page).toHaveURL('/account/totp');
  return new Phone((await visit.page.locator('code.text').textContent())!);
}

/** A new user with an authenticator app, added as a program does, in front of the second factors. */
async function withApp(visit: Visit) {
  const { email } = await settings(visit);
  const { request } = visit.page;
  const begun = await request.post('/account/totp');
  const phone = new Phone((await begun.json()).secret);
  const added = await request.post('/account/totp/confirm', { form: { code: await phone.code() } });
  expect(added.status(), await added.text()).toBe(200);
  const codes: string[] = (await added.json()).recovery_codes;
  // They are shown once.
  await visit.page.goto(PAGE);
  await visit.page.goto(PAGE);
  return { email, phone, codes };
}

/** A user with an authenticator app whose password was right; the phone with it. */
async function secondStep(visit: Visit): Promise<Phone> {
  const { email, phone } = await withApp(visit);
  await logOutAndIn(visit, email);
  return phone;
}

async function logOutAndIn({ page, scripts }: Visit, email: string) {
  await page.context().clearCookies({ name: 'uuid' });
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: PASSWORD });
  await press(page, BUTTONS.login);
  await expect(page).toHaveURL('/auth/second-factor');
  await alive(page, scripts);
}

/** A new user with a passkey. */
async function withPasskey(visit: Visit) {
  await withoutAutofill(visit.page);
  await settings(visit);
  await Authenticator.of(visit.page);
  await addPasskey(visit, 'Laptop of the working group at the university');
}

async function addPasskey({ page, scripts }: Visit, name: string) {
  await open(page, PAGE, scripts);
  await fill(page, { [FIELDS.passkeyName]: name });
  await send(page, BUTTONS.addPasskey);
  await expect(page).toHaveURL(`${PAGE}?notice=passkey-added`);
  await alive(page, scripts);
}
