import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// Two pages, each in a frame of Airflow's; relative addresses, as Airflow may live below a path.
export default defineConfig({
  base: "./",
  build: {
    outDir: fileURLToPath(new URL("../airflow_mlcraft/plugin/pages", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    rollupOptions: { input: { view: "view.html", builder: "builder.html" } },
  },
});
