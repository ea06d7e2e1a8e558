// The words of the pages: whoever changes one on a page changes it here.

export const FIELDS = { name: 'Name', email: 'Email', password: 'Password', newPassword: 'New password', account: 'Account',
  newEmail: 'New email',
  currentPassword: 'Current password',
  confirm: 'Confirm with your current password',
  deleteEmail: 'Your email, to be sure',
  deletePassword: 'Your current password, to be sure',
  tokenName: 'Name of the token',
  packages: 'Packages',
};

export const BUTTONS = {
  login: 'Log in',
  signup: 'Sign up',
  logout: 'Log out',
  sendLink: 'Send reset link',
  changePassword: 'Change password',
  changeName: 'Change name',
  changeEmail: 'Change email',
  resend: 'Send the confirmation link again',
  confirmEmail: 'Confirm this email',
  deleteAccount: 'Delete my account',
  logOutHere: /^Log out here/,
  endSession: /^End session/,
  endOthers: 'End all other sessions',
  notMe: 'Take my account back',
  makeToken: 'Make token',
  replaceToken: /^Replace/,
  endToken: /^End(?! all)/,
  endTokens: 'End all tokens',
};

/** The button that needs scripts. */
export const REVEAL = /^(show|hide) password$/i;

export const LINKS = {
  login: 'Log in',
  signup: 'Sign up',
  forgot: 'Forgot your password?',
  createAccount: 'Create an account',
  haveAccount: 'Already have an account? Log in',
  backToLogin: 'Back to login',
  keepPassword: 'Keep the old password',
  newLink: 'Send a new link',
  account: 'Account',
  settings: 'Account settings',
  sessions: 'Sessions',
  tokens: 'Tokens',
  history: 'History',
  uploadTokens: 'Upload tokens',
  confirmFirst: 'Confirm your email first',
  export: 'Download everything we hold about you',
  notNow: 'Not now',
  itWasMe: 'It was me after all',
  changePassword: 'Change your password',
  home: 'Home page',
};

export const HEADINGS = {
  home: 'Fortran package registry',
  account: 'Your account',
  login: 'Log in',
  signup: 'Sign up',
  reset: 'Reset your password',
  linkSent: 'Check your email',
  deadLink: 'This link no longer works',
  newPassword: 'Choose a new password',
  settings: 'Account settings',
  sessions: 'Sessions',
  tokens: 'Upload tokens',
  history: 'History',
  confirmEmail: 'Confirm your email',
  notMe: 'This was not me',
  unavailable: 'Not available right now',
  notFound: 'Page not found',
  refused: 'This request was refused',
  otherSite: 'Refused for your safety',
  broken: 'A fault on our side',
};

/** The title of the window. */
export const title = (page: string) => `${page} · fpm-registry`;
/** The same where the page tells of an error. */
export const errorTitle = (page: string) => `Error: ${title(page)}`;
/** The start page's own, which is not its heading. */
export const HOME = 'Home';

/** What the pages say when all is well. */
export const SAYS = {
  loggedOut: 'You are not logged in.',
  loggedIn: 'You are logged in as Ada Lovelace',
  passwordChanged: 'Your password was changed',
  nameChanged: 'Your name was changed.',
  emailAsked: 'A confirmation link has been sent to the new address.',
  emailConfirmed: 'Your email is confirmed.',
  confirmationSent: 'A confirmation link has been sent to your email.',
  waiting: 'Waiting for you to open the link sent to',
  notConfirmed: '(not confirmed yet)',
  sessionEnded: 'The session was ended.',
  othersEnded: 'All other sessions were ended.',
  nowhereElse: 'You are logged in nowhere else.',
  breached: 'Your password is in lists of leaked passwords, which attackers try first.',
  thisSession: 'This session',
  noTokens: 'You have no upload tokens.',
  tokenMade: 'The token was made.',
  tokenReplaced: 'The token was replaced. The old one works for another 24 hours.',
  tokenEnded: 'The token was ended.',
  worksUntil: 'Replaced, works until',
  noFailures: 'No login failed in the last 7 days.',
  oneFailure: 'One login failed in the last 7 days.',
  accountDeleted: 'Your account was deleted.',
  linkSent: 'If this email has an account, a password reset link has been sent to it',
};

/** What they say when something is not. */
export const REFUSALS = {
  wrongLogin: 'Invalid email or password',
  noName: 'Name is required',
  noEmail: 'Email is required',
  badEmail: 'Enter a valid email address',
  takenEmail: 'A user with this email already exists',
  shortPassword: 'Password must be at least 8 characters',
  breachedPassword: 'Password is too easy to guess: it is in lists of leaked passwords',
  easyPassword: /Password is too easy to guess: \w+/,
  throttled: /Too many attempts, try again in \d+ (seconds|minutes)/,
  deadLink: 'User not found',
  currentPassword: 'Enter your current password',
  wrongCurrentPassword: 'This is not your current password',
  ownEmail: 'This is already your email',
  notYourEmail: 'This is not your email',
  noSession: 'Not found',
  badPackages: /A package name has only lower-case letters, digits, - and _/,
  notFound: 'The address may be mistyped',
  notAllowed: 'This method is not allowed here',
  passwordInAddress: 'A password must not be sent in an address',
  otherSite: 'This request came from another site',
  unreachable: 'The registry cannot be reached. Check your connection and try again',
  unavailable: 'The registry is not available right now, try again in a moment',
  broken: 'Something went wrong, try again in a moment',
};
