import { defineConfig, mergeConfig } from "vitest/config";
import viteConfig from "./vite.config";

// Plain functions are tested in Node, components in jsdom.
export default mergeConfig(
  viteConfig,
  defineConfig({
    test: {
      testTimeout: 30_000,
      projects: [
        { extends: true, test: { name: "functions", include: ["src/**/*.test.ts"], environment: "node" } },
        {
          extends: true,
          test: {
            name: "components",
            include: ["src/**/*.test.tsx"],
            environment: "jsdom",
            setupFiles: "src/testing/setup.ts",
          },
        },
      ],
    },
  }),
);
