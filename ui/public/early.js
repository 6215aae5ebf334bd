// The picture's data, asked for while the page's scripts are still on their way.
(() => {
  const asked = new URLSearchParams(location.search);
  const dag = asked.get("dag_id");
  const run = asked.get("run_id");
  if (!dag) return;
  const query = run && run !== "{RUN_ID}" ? `?run_id=${encodeURIComponent(run)}` : "";
  const address = `api/dags/${encodeURIComponent(dag)}/graph${query}`;
  const answer = fetch(new URL(`../${address}`, document.baseURI), {
    credentials: "same-origin",
    headers: { accept: "application/json" },
    redirect: "manual",
  });
  answer.catch(() => {});
  globalThis.mlcraftEarly = { address, answer };
})();
