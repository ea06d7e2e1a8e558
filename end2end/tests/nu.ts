// The Nu HTML checker, https://validator.github.io/validator/
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** What the checker has against these files, one line each. */
export function complaints(files: string[], options: string[] = []): string[] {
  const jar = `${createRequire(__filename)('vnu-jar')}`;
  const checker = spawnSync('java', ['-jar', jar, '--stdout', '--format', 'gnu', ...options, ...files], { encoding: 'utf8' });
  if (checker.error) throw checker.error;
  return `${checker.stdout}${checker.stderr}`.split('\n').filter((line) => line !== '');
}
