import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules/", "dist/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [
      tseslint.configs.recommendedTypeChecked,
      reactHooks.configs.flat["recommended-latest"],
      jsxA11y.flatConfigs.recommended,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/method-signature-style": ["error", "property"],
      // Taking a field out of an object names it.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      // What scrolls is reached by Tab, and so is a separator that can be moved.
      "jsx-a11y/no-noninteractive-tabindex": ["error", { tags: [], roles: ["tabpanel", "region", "separator"] }],
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
  },
  {
    files: ["public/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: {
        document: "readonly",
        fetch: "readonly",
        location: "readonly",
        URL: "readonly",
        URLSearchParams: "readonly",
      },
    },
  },
);
