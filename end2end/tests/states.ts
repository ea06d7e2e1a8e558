// Every state of the pages: how a person gets there, and what is to be seen.
import { expect, type Page } from '@playwright/test';
import { BAIT, alive, elsewhere, fill, mailedLink, open, press, send, trap } from './registry';
import { PASSWORD, newEmail, signUp, type Registry, type World } from './servers';
import { BUTTONS, FIELDS, HEADINGS, HOME, LINKS, REFUSALS, SAYS, errorTitle, title } from './words';
import { ACCOUNT_STATES } from './account.states';
import { SECOND_FACTOR_STATES } from './second-factors.states';
import { TOKEN_STATES } from './tokens.states';

/** What a person sees. */
export interface State {
  /** Also the name of its screenshots. */
  name: string;
  /** What is wrong with the world around the registry. */
  world?: World;
  /** It comes to be in the browser alone. */
  needsScripts?: true;
  /** Its form may also be sent before the scripts have come; the page with the refusal then has scripts. */
  isAlsoDrawn?: true;
  reach(visit: Visit): Promise<unknown>;
  /** Of the page, or of the answer to its form; 200 unless said. */
  status?: number;
  title: string;
  heading: string;
  /** What the page says, and how: a live region, or just text. */
  says?: { text: string | RegExp; role?: 'alert' | 'status' };
  /** The field that is marked as wrong, and has the focus. */
  wrong?: string;
  /** What has the focus where no field is wrong: a field all the same, or the refusal itself. */
  focus?: string | typeof REFUSAL;
  /** The way on: links and buttons. */
  links?: string[];
  buttons?: (string | RegExp)[];
}

/** One person in front of one browser. */
export interface Visit {
  page: Page;
  registry: Registry;
  /** Where this visitor says to come from; attempts are limited by it. */
  network: string;
  scripts: boolean;
}

/** What has the focus where no field can be blamed and none is left to fill in. */
export const REFUSAL = Symbol('the sentence of the refusal');

export const shown = (heading: string, name = heading) => ({ heading, title: title(name) });
/** The same page where it tells of an error. */
export const refused = <P extends { heading: string }>(page: P): P => ({ ...page, title: errorTitle(page.heading) });

const START = shown(HEADINGS.home, HOME);
const ACCOUNT = { ...shown(HEADINGS.account), buttons: [BUTTONS.logout], links: [LINKS.settings, LINKS.sessions, LINKS.uploadTokens, LINKS.history] };
const LOGIN = { ...shown(HEADINGS.login), buttons: [BUTTONS.login], links: [LINKS.forgot, LINKS.createAccount] };
const SIGNUP = { ...shown(HEADINGS.signup), buttons: [BUTTONS.signup], links: [LINKS.haveAccount] };
const askForLink = (heading: string) => ({ ...shown(heading), buttons: [BUTTONS.sendLink], links: [LINKS.backToLogin] });
const RESET = askForLink(HEADINGS.reset);
const DEAD_LINK = refused(askForLink(HEADINGS.deadLink));
const NEW_PASSWORD = { ...shown(HEADINGS.newPassword), buttons: [BUTTONS.changePassword], links: [LINKS.keepPassword] };
export const problem = (heading: string) => ({ ...shown(heading), links: [LINKS.home, LINKS.login] });
export const alert = (text: string | RegExp) => ({ text, role: 'alert' as const });
/** The same page where one of its fields is wrong. */
export const blamed = <P extends { heading: string }>(page: P, wrong: string, text: string | RegExp) => ({
  ...refused(page),
  status: 400,
  says: alert(text),
  wrong,
});

const WRONG_LOGIN = alert(REFUSALS.wrongLogin);
const THROTTLED = alert(REFUSALS.throttled);
const UNAVAILABLE = alert(REFUSALS.unavailable);
const BROKEN = alert(REFUSALS.broken);

export const STATES: State[] = [
  {
    name: 'home',
    reach: ({ page }) => page.goto('/'),
    ...START,
    says: { text: SAYS.loggedOut },
    links: [LINKS.login, LINKS.signup],
  },
  {
    name: 'home-logged-in',
    reach: async ({ page, registry }) => {
      await logIn(page, registry);
      await page.goto('/');
    },
    ...ACCOUNT,
    says: { text: SAYS.loggedIn },
  },
  { name: 'login', reach: ({ page }) => page.goto('/auth/login'), ...LOGIN, focus: FIELDS.email },
  {
    name: 'login-already-logged-in',
    reach: async ({ page, registry }) => {
      await logIn(page, registry);
      await page.goto('/auth/login');
      await expect(page).toHaveURL('/');
    },
    ...ACCOUNT,
  },
  {
    name: 'login-password-changed',
    reach: ({ page }) => page.goto('/auth/login?notice=password-changed'),
    ...LOGIN,
    says: { text: SAYS.passwordChanged, role: 'status' },
    focus: FIELDS.email,
  },
  {
    name: 'login-refused',
    reach: (visit) => tryLogin(visit, 'john', 'doe'),
    isAlsoDrawn: true,
    status: 401,
    ...refused(LOGIN),
    focus: FIELDS.password,
    says: WRONG_LOGIN,
  },
  {
    name: 'login-empty',
    reach: (visit) => tryLogin(visit, '', ''),
    isAlsoDrawn: true,
    ...blamed(LOGIN, FIELDS.email, REFUSALS.noEmail),
  },
  {
    name: 'login-throttled',
    reach: async (visit) => {
      const email = newEmail();
      await spend(visit, 10, 'login', { email, password: 'wrong' });
      await tryLogin(visit, email, PASSWORD);
    },
    status: 429,
    ...refused(LOGIN),
    focus: FIELDS.password,
    says: THROTTLED,
  },
  {
    name: 'login-unavailable',
    world: 'without its database',
    reach: (visit) => tryLogin(visit, visit.registry.user.email, PASSWORD),
    status: 503,
    ...refused(LOGIN),
    focus: FIELDS.password,
    says: UNAVAILABLE,
  },
  {
    name: 'login-offline',
    needsScripts: true,
    reach: async (visit) => {
      const { page, scripts } = visit;
      await open(page, '/auth/login', scripts);
      await page.context().setOffline(true);
      await fill(page, { [FIELDS.email]: 'ada@example.org', [FIELDS.password]: PASSWORD });
      await press(page, BUTTONS.login);
    },
    ...refused(LOGIN),
    focus: FIELDS.password,
    says: alert(REFUSALS.unreachable),
  },
  { name: 'signup', reach: ({ page }) => page.goto('/auth/signup'), ...SIGNUP, focus: FIELDS.name },
  {
    name: 'signup-empty',
    reach: (visit) => trySignup(visit, { name: '' }),
    isAlsoDrawn: true,
    ...blamed(SIGNUP, FIELDS.name, REFUSALS.noName),
  },
  {
    name: 'signup-taken-email',
    reach: (visit) => trySignup(visit, { email: visit.registry.user.email.toUpperCase() }),
    isAlsoDrawn: true,
    ...blamed(SIGNUP, FIELDS.email, REFUSALS.takenEmail),
  },
  {
    name: 'signup-bad-email',
    reach: (visit) => trySignup(visit, { email: 'ada' }),
    ...blamed(SIGNUP, FIELDS.email, REFUSALS.badEmail),
  },
  {
    name: 'signup-short-password',
    reach: (visit) => trySignup(visit, { password: 'short' }),
    ...blamed(SIGNUP, FIELDS.password, REFUSALS.shortPassword),
  },
  {
    name: 'signup-easy-password',
    reach: (visit) => trySignup(visit, { password: 'password1234' }),
    ...blamed(SIGNUP, FIELDS.password, REFUSALS.easyPassword),
  },
  {
    name: 'signup-breached-password',
    world: 'with breached passwords',
    reach: (visit) => trySignup(visit, {}),
    ...blamed(SIGNUP, FIELDS.password, REFUSALS.breachedPassword),
  },
  {
    name: 'signup-throttled',
    reach: async (visit) => {
      await spend(visit, 20, 'signup', { name: 'Eve', email: newEmail(), password: 'short' });
      await trySignup(visit, {});
    },
    status: 429,
    ...refused(SIGNUP),
    focus: FIELDS.password,
    says: THROTTLED,
  },
  {
    name: 'signup-unavailable',
    world: 'without its database',
    reach: (visit) => trySignup(visit, {}),
    status: 503,
    ...refused(SIGNUP),
    focus: FIELDS.password,
    says: UNAVAILABLE,
  },
  {
    name: 'reset',
    reach: ({ page }) => page.goto('/auth/reset-password'),
    ...RESET,
    focus: FIELDS.email,
  },
  {
    name: 'reset-bad-email',
    reach: (visit) => askFor(visit, 'ada'),
    isAlsoDrawn: true,
    ...blamed(RESET, FIELDS.email, REFUSALS.badEmail),
  },
  {
    name: 'reset-sent',
    reach: async (visit) => {
      await askFor(visit, newEmail());
      await expect(visit.page).toHaveURL('/auth/reset-password?notice=sent');
    },
    ...askForLink(HEADINGS.linkSent),
    says: { text: SAYS.linkSent, role: 'status' },
  },
  {
    name: 'reset-throttled',
    reach: async (visit) => {
      const email = newEmail();
      await spend(visit, 3, 'forgot-password', { email });
      await askFor(visit, email);
    },
    status: 429,
    ...refused(RESET),
    focus: REFUSAL,
    says: THROTTLED,
  },
  {
    name: 'reset-unknown-link',
    reach: ({ page }) => page.goto(`/auth/reset-password?uuid=${crypto.randomUUID()}`),
    status: 404,
    ...DEAD_LINK,
    says: alert(REFUSALS.deadLink),
    focus: FIELDS.email,
  },
  {
    name: 'reset-unavailable',
    world: 'without its database',
    reach: (visit) => askFor(visit, visit.registry.user.email),
    status: 503,
    ...refused(RESET),
    focus: REFUSAL,
    says: UNAVAILABLE,
  },
  { name: 'new-password', reach: openLink, ...NEW_PASSWORD, focus: FIELDS.newPassword },
  {
    name: 'new-password-short',
    reach: async (visit) => {
      await openLink(visit);
      await chooseNew(visit, 'short');
    },
    isAlsoDrawn: true,
    ...blamed(NEW_PASSWORD, FIELDS.newPassword, REFUSALS.shortPassword),
  },
  {
    name: 'page-unavailable',
    world: 'without its database',
    reach: async ({ page, registry }) => {
      await logIn(page, registry);
      await page.goto('/');
    },
    status: 503,
    ...problem(HEADINGS.unavailable),
    says: UNAVAILABLE,
  },
  {
    name: 'page-not-found',
    reach: ({ page }) => page.goto('/nowhere'),
    status: 404,
    ...problem(HEADINGS.notFound),
    says: { text: REFUSALS.notFound },
  },
  {
    name: 'page-not-allowed',
    reach: ({ page }) => page.goto('/auth/logout'),
    status: 405,
    ...problem(HEADINGS.refused),
    says: alert(REFUSALS.notAllowed),
  },
  {
    name: 'page-password-in-address',
    reach: ({ page }) => page.goto(`/auth/reset-password?uuid=${crypto.randomUUID()}&password=plum+tractor+glow`),
    status: 400,
    ...problem(HEADINGS.refused),
    says: alert(REFUSALS.passwordInAddress),
  },
  {
    name: 'page-other-site',
    reach: ({ page, registry }) =>
      elsewhere(trap(`${registry.url}/auth/login`), async ([, otherSite]) => {
        await page.goto(otherSite);
        await send(page, BAIT);
      }),
    status: 403,
    ...problem(HEADINGS.otherSite),
    says: alert(REFUSALS.otherSite),
  },
  ...deadLink(),
  ...brokenLogin(),
  ...ACCOUNT_STATES(),
  ...TOKEN_STATES(),
  ...SECOND_FACTOR_STATES(),
];

/** A link that dies while its page is open: with scripts its form says so, without them the page to ask for another one comes. */
function deadLink(): State[] {
  const reach = async (visit: Visit) => {
    const link = await openLink(visit);
    const form = { uuid: new URL(link).searchParams.get('uuid')!, password: 'plum tractor glow' };
    expect((await fetch(`${visit.registry.url}/auth/reset-password`, { method: 'POST', body: new URLSearchParams(form) })).status).toBe(200);
    await chooseNew(visit, 'another tractor glow');
  };
  const dead = { status: 404, says: alert(REFUSALS.deadLink) };
  const links = [LINKS.newLink, LINKS.keepPassword];
  return [
    { name: 'new-password-dead-link', needsScripts: true, reach, ...dead, ...refused(NEW_PASSWORD), links, focus: REFUSAL },
    { name: 'reset-dead-link', reach: (visit) => early(visit, reach), ...dead, ...DEAD_LINK, focus: FIELDS.email },
  ];
}

/** A login that meets what nobody thought of: the form is still there with scripts, and is gone without. */
function brokenLogin(): State[] {
  const broken = {
    world: 'without random numbers' as const,
    reach: async (visit: Visit) => {
      // A browser without this cookie would get one with its first page, which takes random numbers.
      const { page, registry } = visit;
      await page.context().addCookies([{ name: 'form', value: crypto.randomUUID(), url: registry.url }]);
      await tryLogin(visit, registry.user.email, PASSWORD);
    },
    status: 500,
    says: BROKEN,
  };
  return [
    { name: 'login-broken', needsScripts: true, ...broken, ...refused(LOGIN), focus: FIELDS.password },
    { name: 'page-broken', ...broken, reach: (visit) => early(visit, broken.reach), ...problem(HEADINGS.broken) },
  ];
}

/** Goes as far as `reach` with a form that is sent before the scripts have come. */
export async function early(visit: Visit, reach: (visit: Visit) => Promise<unknown>) {
  let isEarly = true;
  // Held back, not refused, which would be an error in the console.
  await visit.page.route('**/pkg/*.{js,wasm}', (route) => (isEarly ? undefined : route.continue()));
  visit.page.on('request', (request) => {
    if (request.isNavigationRequest() && request.method() === 'POST') isEarly = false;
  });
  await reach({ ...visit, scripts: false });
}

async function tryLogin(visit: Visit, email: string, password: string) {
  const { page, scripts } = visit;
  await open(page, '/auth/login', scripts);
  await fill(page, { [FIELDS.email]: email, [FIELDS.password]: password });
  await send(page, BUTTONS.login);
}

async function trySignup(visit: Visit, typed: Partial<Record<'name' | 'email' | 'password', string>>) {
  const { name, email, password } = { name: 'Ada Lovelace', email: newEmail(), password: PASSWORD, ...typed };
  const { page, scripts } = visit;
  await open(page, '/auth/signup', scripts);
  await fill(page, { [FIELDS.name]: name, [FIELDS.email]: email, [FIELDS.password]: password });
  await send(page, BUTTONS.signup);
}

async function askFor(visit: Visit, email: string) {
  const { page, scripts } = visit;
  await open(page, '/auth/reset-password', scripts);
  await fill(page, { [FIELDS.email]: email });
  await send(page, BUTTONS.sendLink);
}

/** Opens the link in a mail, and says which. */
async function openLink(visit: Visit) {
  const { page, registry, network, scripts } = visit;
  const { email } = await signUp(registry.url, { 'X-Forwarded-For': network });
  await page.request.post('/auth/forgot-password', { form: { email } });
  const link = await mailedLink(email, registry.outbox);
  await open(page, link, scripts);
  return link;
}

async function chooseNew({ page, scripts }: Visit, password: string) {
  await alive(page, scripts);
  await fill(page, { [FIELDS.newPassword]: password });
  await send(page, BUTTONS.changePassword);
}

/** Uses up all attempts but the page's own. */
async function spend({ page }: Visit, attempts: number, route: string, form: Record<string, string>) {
  const answers = Array.from({ length: attempts }, () => page.request.post(`/auth/${route}`, { form }));
  for (const answer of await Promise.all(answers)) expect(answer.status(), await answer.text()).not.toBe(429);
}

async function logIn(page: Page, { url, user }: Registry) {
  await page.context().addCookies([{ name: 'uuid', value: user.session, url }]);
}
