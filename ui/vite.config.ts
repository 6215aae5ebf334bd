import { defineConfig } from "vite";

// Two pages, each in a frame of Airflow's; relative addresses, as Airflow may live below a path.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../airflow_mlcraft/plugin/pages",
    emptyOutDir: true,
    target: "es2022",
    rollupOptions: { input: { view: "view.html", builder: "builder.html" } },
  },
});
