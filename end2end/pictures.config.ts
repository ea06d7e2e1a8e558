// Takes the pictures of the README, from the release build.
import base from './playwright.config';

export default { ...base, testDir: 'pictures', projects: base.projects!.filter(({ name }) => name === 'embedded, without scripts').map((project) => ({ ...project, testMatch: /pictures\.spec\.ts$/ })) };
