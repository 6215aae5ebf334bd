// `node round_trip.mjs MODULES VERSION`: opens documents as Rabix Composer does, and saves each several times.
// Standard input has their paths as a JSON list. Prints, for each, what was written last, what Composer would complain
// of, and what it would hand to an executor, as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { runInNewContext } from "node:vm";

const [modules, version] = process.argv.slice(2);
const documents = JSON.parse(readFileSync(0, "utf8"));
const load = createRequire(resolve(modules, "here.js"));
const { WorkflowFactory } = load(`cwlts-${version}/models/generic/WorkflowFactory`);
const { CommandLineToolFactory } = load(`cwlts-${version}/models/generic/CommandLineToolFactory`);
const { ExpressionEvaluator } = load(`cwlts-${version}/models/helpers/ExpressionEvaluator`);
// Composer gives the library something that evaluates expressions, on values that it makes up.
ExpressionEvaluator.evaluateExpression = async (code, values) => runInNewContext(code, { ...values }, { timeout: 5000 });
console.warn = () => {};

// The reader's own YAML, as Composer uses it.
const yaml = load("js-yaml");
const read = (path) => yaml.safeLoad(readFileSync(path, "utf8"), { json: true });
const copy = (value) => JSON.parse(JSON.stringify(value));

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

// Opened once, and saved three times: what the model forgets at the first is missing from the third.
async function session(document, path) {
  // It shows an ExpressionTool as text, and writes the text.
  if (document.class === "ExpressionTool") return { written: document, handed: document, said: [] };
  const factory = document.class === "Workflow" ? WorkflowFactory : CommandLineToolFactory;
  const model = factory.from(embedded(document, path), "document");
  await model.validate?.();
  const said = (model.errors ?? []).map((issue) => `${issue.loc ?? ""} ${issue.message}`);
  let written;
  for (let time = 0; time < 3; time++) written = copy(model.serialize());
  const handed = copy(document.class === "Workflow" ? model.serializeEmbedded() : model.serialize());
  delete handed["sbg:job"];
  return { written, handed, said };
}

const results = [];
for (const path of documents) {
  let document = read(path);
  const said = [];
  let result;
  for (let time = 0; time < 3; time++) {
    result = await session(copy(document), path);
    document = result.written;
    said.push(...result.said);
  }
  results.push({ path, written: document, handed: result.handed, said });
}
console.log(JSON.stringify(results));
