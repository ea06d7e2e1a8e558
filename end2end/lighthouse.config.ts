// Lighthouse on the release build; `make lighthouse`.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'lighthouse',
  outputDir: 'test-results/lighthouse',
  // One run at a time, or the scores would be the machine's.
  workers: 1,
  timeout: 600_000,
  reporter: [['list']],
});
