// The states of the account area, and of the pages behind its mailed links.
import { expect } from '@playwright/test';
import { alive, fill, mailedLink, open, press, send } from './registry';
import { PASSWORD, newEmail, signUp } from './servers';
import { alert, blamed, problem, refused, shown, type State, type Visit } from './states';
import { BUTTONS, FIELDS, HEADINGS, LINKS, REFUSALS, SAYS } from './words';

/** All of them; asked for late, since the words of the states stand in the file that asks. */
export function ACCOUNT_STATES(): State[] {
  const AREA = [LINKS.account, LINKS.security, LINKS.sessions, LINKS.tokens, LINKS.history];
  const SETTINGS = {
    ...shown(HEADINGS.settings),
    buttons: [BUTTONS.changeName, BUTTONS.changeEmail, BUTTONS.changePassword, BUTTONS.deleteAccount],
    links: [...AREA, LINKS.export],
  };
  const SESSIONS = { ...shown(HEADINGS.sessions), links: AREA };
  const HISTORY = { ...shown(HEADINGS.history), links: AREA };
  const DEAD_LINK = problem(HEADINGS.deadLink);
  const told = (text: string) => ({ text, role: 'status' as const });
  const forbidden = (wrong: string, text: string) => ({ ...blamed(SETTINGS, wrong, text), status: 403 });
  return [
    {
      name: 'account',
      reach: (visit) => settings(visit),
      ...SETTINGS,
      buttons: [...SETTINGS.buttons, BUTTONS.resend],
      says: { text: SAYS.notConfirmed },
    },
    {
      name: 'account-breached-password',
      world: 'with breached passwords',
      reach: async ({ page, registry: { url, user } }) => {
        const body = new URLSearchParams({ email: user.email, password: PASSWORD });
        const answer = await fetch(`${url}/auth/login`, { method: 'POST', body });
        const value = /\buuid=([^;]+)/.exec(answer.headers.getSetCookie().join())![1];
        await page.context().addCookies([{ name: 'uuid', value, url }]);
        await page.goto('/account');
      },
      ...SETTINGS,
      buttons: [...SETTINGS.buttons, BUTTONS.resend],
      links: [...SETTINGS.links, LINKS.changePassword],
      says: { text: SAYS.breached },
    },
    {
      name: 'account-confirmed',
      reach: async (visit) => confirm(visit, await settings(visit)),
      ...SETTINGS,
      says: told(SAYS.emailConfirmed),
    },
    {
      name: 'account-confirmation-sent',
      reach: async (visit) => {
        await settings(visit);
        await press(visit.page, BUTTONS.resend);
        await expect(visit.page).toHaveURL('/account?notice=confirmation-sent');
      },
      ...SETTINGS,
      says: told(SAYS.confirmationSent),
    },
    {
      name: 'account-name-changed',
      reach: async (visit) => {
        await change(visit, BUTTONS.changeName, { [FIELDS.name]: 'Ada King' });
        await expect(visit.page).toHaveURL('/account?notice=name-changed');
      },
      ...SETTINGS,
      says: told(SAYS.nameChanged),
    },
    {
      name: 'account-name-empty',
      reach: (visit) => change(visit, BUTTONS.changeName, { [FIELDS.name]: '' }),
      isAlsoDrawn: true,
      ...blamed(SETTINGS, FIELDS.name, REFUSALS.noName),
    },
    {
      name: 'account-password-changed',
      reach: async (visit) => {
        await change(visit, BUTTONS.changePassword, { [FIELDS.currentPassword]: PASSWORD, [FIELDS.newPassword]: 'plum tractor glow' });
        await expect(visit.page).toHaveURL('/account?notice=password-changed');
      },
      ...SETTINGS,
      says: told(SAYS.passwordChanged),
    },
    {
      name: 'account-password-wrong',
      reach: (visit) => change(visit, BUTTONS.changePassword, { [FIELDS.currentPassword]: 'doe', [FIELDS.newPassword]: 'plum tractor glow' }),
      isAlsoDrawn: true,
      ...forbidden(FIELDS.currentPassword, REFUSALS.wrongCurrentPassword),
    },
    {
      name: 'account-password-easy',
      reach: (visit) => change(visit, BUTTONS.changePassword, { [FIELDS.currentPassword]: PASSWORD, [FIELDS.newPassword]: 'password1234' }),
      ...blamed(SETTINGS, FIELDS.newPassword, REFUSALS.easyPassword),
    },
    {
      name: 'account-email-own',
      reach: async (visit) => {
        const { email } = await settings(visit);
        await sendFilled(visit, BUTTONS.changeEmail, { [FIELDS.newEmail]: email });
      },
      ...blamed(SETTINGS, FIELDS.newEmail, REFUSALS.ownEmail),
    },
    {
      name: 'account-email-asked',
      reach: async (visit) => {
        await confirm(visit, await settings(visit));
        await sendFilled(visit, BUTTONS.changeEmail, { [FIELDS.newEmail]: newEmail() });
        await expect(visit.page).toHaveURL('/account?notice=email-asked');
        await expect(visit.page.getByText(SAYS.waiting)).toBeVisible();
      },
      ...SETTINGS,
      says: told(SAYS.emailAsked),
    },
    {
      name: 'account-an-hour-later',
      world: 'with a clock that moves',
      reach: (visit) => later(visit, () => settings(visit, true)),
      ...SETTINGS,
    },
    {
      name: 'account-password-asked',
      world: 'with a clock that moves',
      // The page is from before, and so has no field for it: the form comes back with one.
      reach: async (visit) => {
        const before = await settings(visit);
        await later(visit, async () => {
          await sendFilled(visit, BUTTONS.changeEmail, { [FIELDS.newEmail]: before.email.replace('ada', 'new') });
          await expect(visit.page.getByLabel(FIELDS.confirm)).toBeVisible();
          await expect(visit.page.getByLabel(FIELDS.newEmail)).toHaveValue(before.email.replace('ada', 'new'));
        });
      },
      ...forbidden(FIELDS.confirm, REFUSALS.currentPassword),
    },
    {
      name: 'account-delete-other-email',
      reach: (visit) => change(visit, BUTTONS.deleteAccount, { [FIELDS.deleteEmail]: newEmail(), [FIELDS.deletePassword]: PASSWORD }),
      ...blamed(SETTINGS, FIELDS.deleteEmail, REFUSALS.notYourEmail),
    },
    {
      name: 'account-deleted',
      reach: async (visit) => {
        const { email } = await settings(visit);
        await sendFilled(visit, BUTTONS.deleteAccount, { [FIELDS.deleteEmail]: email, [FIELDS.deletePassword]: PASSWORD });
        await expect(visit.page).toHaveURL('/?notice=account-deleted');
      },
      ...shown(HEADINGS.home, 'Home'),
      says: told(SAYS.accountDeleted),
      links: [LINKS.login, LINKS.signup],
    },
    {
      name: 'account-unavailable',
      world: 'without its database',
      reach: async ({ page, registry }) => {
        await page.context().addCookies([{ name: 'uuid', value: registry.user.session, url: registry.url }]);
        await page.goto('/account');
      },
      status: 503,
      ...problem(HEADINGS.unavailable),
      says: alert(REFUSALS.unavailable),
    },
    {
      name: 'sessions',
      reach: async (visit) => {
        await settings(visit);
        await visit.page.goto('/account/sessions');
      },
      ...SESSIONS,
      buttons: [BUTTONS.logOutHere],
      says: { text: SAYS.nowhereElse },
    },
    {
      name: 'sessions-many',
      reach: (visit) => manySessions(visit),
      ...SESSIONS,
      buttons: [BUTTONS.logOutHere, BUTTONS.endSession, BUTTONS.endOthers],
      says: { text: SAYS.thisSession },
    },
    {
      name: 'sessions-ended',
      reach: async (visit) => {
        await manySessions(visit);
        await visit.page.getByRole('button', { name: BUTTONS.endSession }).click();
        await expect(visit.page).toHaveURL('/account/sessions?notice=session-ended');
      },
      ...SESSIONS,
      says: told(SAYS.sessionEnded),
    },
    {
      name: 'sessions-gone',
      // It is ended from elsewhere while its row is on the screen.
      reach: async (visit) => {
        const { session } = await manySessions(visit);
        await fetch(`${visit.registry.url}/auth/logout`, { method: 'POST', headers: { Cookie: `uuid=${session}` } });
        await send(visit.page, BUTTONS.endSession);
      },
      status: 404,
      ...refused(SESSIONS),
      says: alert(REFUSALS.noSession),
    },
    {
      name: 'history',
      reach: async (visit) => {
        const { email } = await settings(visit);
        await visit.page.request.post('/auth/login', { form: { email, password: 'doe' }, headers: { Cookie: 'none=none' } });
        await visit.page.goto('/account/history');
      },
      ...HISTORY,
      says: { text: SAYS.oneFailure },
    },
    {
      name: 'confirm-email',
      reach: async (visit) => openMail(visit, await settings(visit), '/auth/confirm-email'),
      ...shown(HEADINGS.confirmEmail),
      buttons: [BUTTONS.confirmEmail],
      links: [LINKS.notNow],
    },
    {
      name: 'confirm-email-dead',
      reach: ({ page }) => page.goto(`/auth/confirm-email?uuid=${crypto.randomUUID()}`),
      status: 404,
      ...DEAD_LINK,
      says: alert(REFUSALS.deadLink),
    },
    {
      name: 'not-me',
      reach: async (visit) => {
        const user = await settings(visit);
        await confirm(visit, user);
        await sendFilled(visit, BUTTONS.changePassword, { [FIELDS.currentPassword]: PASSWORD, [FIELDS.newPassword]: 'plum tractor glow' });
        await expect(visit.page).toHaveURL('/account?notice=password-changed');
        await openMail(visit, user, '/auth/not-me');
      },
      ...shown(HEADINGS.notMe),
      buttons: [BUTTONS.notMe],
      links: [LINKS.itWasMe],
    },
    {
      name: 'not-me-dead',
      reach: ({ page }) => page.goto('/auth/not-me'),
      status: 404,
      ...DEAD_LINK,
      says: alert(REFUSALS.deadLink),
    },
  ];
}

type User = Awaited<ReturnType<typeof signUp>>;

/** A new user in front of the settings. */
export async function settings(visit: Visit, isLater = false): Promise<User> {
  const { page, registry, network, scripts } = visit;
  registry.setLater?.(false);
  const user = await signUp(registry.url, { 'X-Forwarded-For': network, 'User-Agent': 'curl/8.15.0' });
  registry.setLater?.(isLater);
  await page.context().addCookies([{ name: 'uuid', value: user.session, url: registry.url }]);
  await open(page, '/account', scripts);
  return user;
}

/** Does something an hour later. */
export async function later({ registry }: Visit, work: () => Promise<unknown>) {
  registry.setLater!(true);
  await work();
  registry.setLater!(false);
}

async function change(visit: Visit, button: string, typed: Record<string, string>) {
  await settings(visit);
  await sendFilled(visit, button, typed);
}

export async function sendFilled({ page, scripts }: Visit, button: string, typed: Record<string, string>) {
  await alive(page, scripts);
  await fill(page, typed);
  await send(page, button);
}

async function openMail({ page, registry }: Visit, user: User, path: string) {
  await page.goto(await mailedLink(user.email, registry.outbox, path));
  await expect(page).toHaveURL(path);
}

export async function confirm(visit: Visit, user: User) {
  await openMail(visit, user, '/auth/confirm-email');
  await press(visit.page, BUTTONS.confirmEmail);
  await expect(visit.page).toHaveURL('/account?notice=email-confirmed');
}

/** A user who is logged in twice, in front of the list; the other session. */
async function manySessions(visit: Visit): Promise<User> {
  const user = await settings(visit);
  const headers = { 'X-Forwarded-For': visit.network, 'User-Agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0' };
  const form = new URLSearchParams({ email: user.email, password: PASSWORD });
  const answer = await fetch(`${visit.registry.url}/auth/login`, { method: 'POST', headers, body: form });
  const session = /\buuid=([^;]+)/.exec(answer.headers.getSetCookie().join())![1];
  await visit.page.goto('/account/sessions');
  return { email: user.email, session };
}
