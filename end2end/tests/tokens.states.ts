// The states of the page of upload tokens.
import { expect } from '@playwright/test';
import { confirm, later, sendFilled, settings } from './account.states';
import { fill, open, press } from './registry';
import { PASSWORD } from './servers';
import { blamed, shown, type State, type Visit } from './states';
import { BUTTONS, FIELDS, HEADINGS, LINKS, REFUSALS, SAYS } from './words';

const PAGE = '/account/tokens';

/** All of them; asked for late, since the words of the states stand in the file that asks. */
export function TOKEN_STATES(): State[] {
  const AREA = [LINKS.account, LINKS.security, LINKS.sessions, LINKS.tokens, LINKS.history];
  const TOKENS = { ...shown(HEADINGS.tokens), links: AREA };
  const MAKE = { ...TOKENS, buttons: [BUTTONS.makeToken] };
  const ROW = { ...TOKENS, buttons: [BUTTONS.replaceToken, BUTTONS.endToken, BUTTONS.makeToken] };
  const told = (text: string) => ({ text, role: 'status' as const });
  return [
    {
      name: 'tokens-not-confirmed',
      reach: async (visit) => {
        await settings(visit);
        await visit.page.goto(PAGE);
      },
      ...TOKENS,
      links: [...AREA, LINKS.confirmFirst],
      says: { text: SAYS.noTokens },
    },
    {
      name: 'tokens-none',
      reach: (visit) => tokens(visit),
      ...MAKE,
      says: { text: SAYS.noTokens },
    },
    {
      name: 'tokens-made',
      reach: async (visit) => {
        await tokens(visit);
        await make(visit, 'Continuous integration of the standard library', 'stdlib json-*');
        await expect(visit.page.getByText(/^fpm publish --token fpm_\w{38}$/)).toBeVisible();
      },
      ...ROW,
      says: told(SAYS.tokenMade),
    },
    {
      name: 'tokens-several',
      reach: async (visit) => {
        await tokens(visit);
        await make(visit, 'laptop', '*');
        await make(visit, 'CI', 'stdlib json-* '.repeat(12) + Array.from({ length: 30 }, (_, n) => `package-${n}`).join(' '));
        await visit.page.goto(PAGE);
        await expect(visit.page.getByText(/fpm_/)).toHaveCount(0);
      },
      ...ROW,
      buttons: [...ROW.buttons, BUTTONS.endTokens],
    },
    {
      name: 'tokens-replaced',
      reach: async (visit) => {
        await tokens(visit);
        await make(visit, 'laptop', '*');
        await press(visit.page, BUTTONS.replaceToken);
        await expect(visit.page.getByText(SAYS.worksUntil)).toBeVisible();
      },
      ...ROW,
      says: told(SAYS.tokenReplaced),
    },
    {
      name: 'tokens-ended',
      reach: async (visit) => {
        await tokens(visit);
        await make(visit, 'laptop', '*');
        await press(visit.page, BUTTONS.endToken);
        await expect(visit.page.getByText(SAYS.noTokens)).toBeVisible();
      },
      ...MAKE,
      says: told(SAYS.tokenEnded),
    },
    {
      name: 'tokens-wrong-packages',
      reach: async (visit) => {
        await tokens(visit);
        await sendFilled(visit, BUTTONS.makeToken, { [FIELDS.tokenName]: 'laptop', [FIELDS.packages]: 'Stdlib' });
      },
      isAlsoDrawn: true,
      ...blamed(MAKE, FIELDS.packages, REFUSALS.badPackages),
    },
    {
      name: 'tokens-password-asked',
      world: 'with a clock that moves',
      // In the row of the button that was pressed.
      reach: async (visit) => {
        await tokens(visit);
        await make(visit, 'laptop', '*');
        await visit.page.goto(PAGE);
        await later(visit, async () => {
          await press(visit.page, BUTTONS.replaceToken);
          await expect(visit.page.getByLabel(FIELDS.confirm).first()).toBeVisible();
        });
      },
      ...blamed(TOKENS, FIELDS.confirm, REFUSALS.currentPassword),
      status: 403,
    },
  ];
}

/** A new user with a confirmed address, in front of the tokens. */
async function tokens(visit: Visit) {
  await confirm(visit, await settings(visit));
  await open(visit.page, PAGE, visit.scripts);
}

async function make({ page, scripts }: Visit, name: string, packages: string) {
  await open(page, PAGE, scripts);
  await fill(page, { [FIELDS.tokenName]: name, [FIELDS.packages]: packages });
  const password = page.getByLabel(FIELDS.confirm);
  if (await password.count()) await password.fill(PASSWORD);
  await press(page, BUTTONS.makeToken);
  await expect(page).toHaveURL(`${PAGE}?notice=token-made`);
}
