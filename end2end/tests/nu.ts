// The Nu HTML checker, https://validator.github.io/validator/
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** What the checker has against these files, one line each. */
export function complaints(files: string[], options: string[] = []): string[] {
  const jar = `${createRequire(__filename)('vnu-jar')}`;
  const checker = spawnSync('java', ['-jar', jar, '--stdout', '--format', 'gnu', ...options, ...files], { encoding: 'utf8' });
  if (checker.error) throw checker.error;
  const lines = `${checker.stdout}${checker.stderr}`.split('\n').filter((line) => line !== '');
  if (checker.status !== 0 && lines.length === 0) throw new Error(`The checker ended with ${checker.status ?? checker.signal} and said nothing`);
  return lines;
}
