// An authenticator for passkeys, as Chromium has a virtual one for tests.
import type { CDPSession, Page } from '@playwright/test';
import { session } from './registry';

/** One that knows its user, who touches it whenever it is asked. */
export class Authenticator {
  private constructor(private readonly browser: CDPSession, private readonly authenticatorId: string) {}

  /** Puts one into the device of this page; or one that cannot ask who its user is. */
  static async of(page: Page, { hasUserVerification } = { hasUserVerification: true }): Promise<Authenticator> {
    const browser = await session(page);
    await browser.send('WebAuthn.enable', { enableUI: false });
    const { authenticatorId } = await browser.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification,
        isUserVerified: hasUserVerification,
        automaticPresenceSimulation: true,
      },
    });
    return new Authenticator(browser, authenticatorId);
  }

  /** Whether it gets a fingerprint, or the right PIN. */
  async setVerified(isUserVerified: boolean) {
    await this.browser.send('WebAuthn.setUserVerified', { authenticatorId: this.authenticatorId, isUserVerified });
  }

  /** The passkeys in it. */
  async passkeys() {
    const { credentials } = await this.browser.send('WebAuthn.getCredentials', { authenticatorId: this.authenticatorId });
    return credentials;
  }

  /** Puts a copy of its passkey from before in its place. */
  async goBackTo(copy: Awaited<ReturnType<Authenticator['passkeys']>>[number]) {
    const of = { authenticatorId: this.authenticatorId };
    await this.browser.send('WebAuthn.removeCredential', { ...of, credentialId: copy.credentialId });
    await this.browser.send('WebAuthn.addCredential', { ...of, credential: copy });
  }
}

/** Makes the browser of this page one that offers no passkey by itself, as many do not. */
export async function withoutAutofill(page: Page) {
  await page.addInitScript(() => {
    window.PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
}
