// Tests in a world of their choice.
import { test as base } from './registry';
import { Registries, type Registry, type World } from './servers';
import type { Visit } from './states';

export const test = base.extend<{ world: World; registry: Registry; network: string; visit: Visit }, { registries: Registries }>({
  registries: [
    async ({}, use) => {
      const registries = new Registries(process.env.E2E_DATA!);
      await use(registries);
      await registries.stop();
    },
    { scope: 'worker' },
  ],
  world: ['well', { option: true }],
  registry: async ({ registries, world }, use) => use(await registries.in(world)),
  baseURL: async ({ registry }, use) => use(registry.url),
  // A network for every test, so that none uses up the attempts of another.
  network: async ({}, use) => use(`10.${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join('.')}`),
  extraHTTPHeaders: async ({ network }, use) => use({ 'X-Forwarded-For': network }),
  visit: async ({ page, registry, network, scripts }, use) => use({ page, registry, network, scripts }),
});
