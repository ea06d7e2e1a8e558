// The authenticator app on a phone, as RFC 6238 has it.
import { createHmac } from 'node:crypto';

/** Seconds for which a code is shown. */
const STEP = 30;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The app of one user, who types no code twice unless told to. */
export class Phone {
  private readonly key: Buffer;
  private last = 0;

  /** The secret as the page shows it; `ahead` is by how many seconds its clock is. */
  constructor(secret: string, private readonly ahead = 0) {
    const bits = [...secret.replaceAll(' ', '')].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
    this.key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  }

  /** A code that works and was not used before; the one after the present one works too, for the next it is waited. */
  async code(): Promise<string> {
    this.last = Math.max(this.last + 1, this.now());
    while (this.last > this.now() + 1) await new Promise((waited) => setTimeout(waited, 200));
    return this.at(this.last);
  }

  /** The code that was typed last. */
  used(): string {
    return this.at(this.last);
  }

  /** The code of a phone whose clock is this many steps off. */
  off(steps: number): string {
    return this.at(this.now() + steps);
  }

  private now(): number {
    return Math.floor((Date.now() / 1000 + this.ahead) / STEP);
  }

  private at(step: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const hash = createHmac('sha1', this.key).update(counter).digest();
    const number = hash.readUInt32BE(hash.at(-1)! & 0xf) & 0x7fffffff;
    return `${number % 1_000_000}`.padStart(6, '0');
  }
}
