// The Nu HTML checker, https://validator.github.io/validator/
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** Without the second compiler, for which the run is too short, and with the stack that the checker then needs. */
const JAVA = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xss4m'];

/** What the checker has against these files, one line each. */
export function complaints(files: string[]): string[] {
  const jar = `${createRequire(__filename)('vnu-jar')}`;
  const checker = spawnSync('java', [...JAVA, '-jar', jar, '--stdout', '--format', 'gnu', '--also-check-css', ...files], { encoding: 'utf8' });
  if (checker.error) throw checker.error;
  const lines = `${checker.stdout}${checker.stderr}`.split('\n').filter((line) => line !== '');
  if (checker.status !== 0 && lines.length === 0) throw new Error(`The checker ended with ${checker.status ?? checker.signal} and said nothing`);
  return lines;
}
