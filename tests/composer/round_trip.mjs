// `node round_trip.mjs MODULES VERSION DOCUMENT…`: opens each document as Rabix Composer does, and writes it three times.
// Prints, for each document, what was written last and what Composer would complain of, as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { runInNewContext } from "node:vm";

const [modules, version, ...documents] = process.argv.slice(2);
const load = createRequire(resolve(modules, "here.js"));
const { WorkflowFactory } = load(`cwlts-${version}/models/generic/WorkflowFactory`);
const { CommandLineToolFactory } = load(`cwlts-${version}/models/generic/CommandLineToolFactory`);
const { ExpressionEvaluator } = load(`cwlts-${version}/models/helpers/ExpressionEvaluator`);
// Composer gives the library something that evaluates expressions, on values that it makes up.
ExpressionEvaluator.evaluateExpression = async (code, values) => runInNewContext(code, { ...values }, { timeout: 5000 });

// The reader's own YAML, as Composer uses it.
const yaml = load("js-yaml");
const read = (path) => yaml.safeLoad(readFileSync(path, "utf8"), { json: true });

// Composer embeds the tools that steps name before it opens a workflow, and remembers where they were.
function embedded(document, path) {
  for (const step of document.steps ?? []) {
    if (typeof step.run === "string") {
      const place = resolve(dirname(path), step.run);
      step["sbg:rdfId"] = step.run;
      step.run = embedded(read(place), place);
    }
  }
  return document;
}

async function once(document, path) {
  // It shows an ExpressionTool as text, and writes the text.
  if (document.class === "ExpressionTool") return { written: document, said: [] };
  const factory = document.class === "Workflow" ? WorkflowFactory : CommandLineToolFactory;
  const model = factory.from(embedded(document, path), "document");
  const said = [];
  const note = (kind) => (issue) => said.push(`${kind}: ${issue.loc ?? ""} ${issue.message}`);
  await model.validate?.();
  (model.errors ?? []).forEach(note("error"));
  return { written: JSON.parse(JSON.stringify(model.serialize())), said };
}

const results = [];
for (const path of documents) {
  let document = read(path);
  const said = [];
  for (let time = 0; time < 3; time++) {
    const result = await once(document, path);
    document = result.written;
    said.push(...result.said);
  }
  results.push({ path, written: document, said });
}
console.log(JSON.stringify(results));
