// Evaluates the expressions of CWL documents: one JSON text a line in, its value as JSON and an end mark out.
//
// An expression gets a context of its own, which has no object of this one: no process, no require, no way to wait
// for anything. What it could still get hold of by an error of Node's own has nothing left that leads anywhere: Node
// runs without the right to make code from text in this context, without permissions, and with all that could reach
// files, programs or the network removed below.
"use strict";
(function () {
  const vm = require("vm");
  const inspect = require("util").inspect;
  const end = "r1cepzbhUTxtykz5XTC4";
  const input = process.stdin;
  const output = process.stdout;
  const errors = process.stderr;
  const leave = process.exit;
  const on = process.on.bind(process);
  const stringify = new vm.Script("JSON.stringify");
  const options = { codeGeneration: { strings: true, wasm: false }, microtaskMode: "afterEvaluate" };

  // What is read when it is first needed has to be read now: no file can be opened later.
  new Date().toString();
  new Intl.DateTimeFormat().format(0);
  inspect(new Error("warm"), { customInspect: false });

  function evaluate(code) {
    const context = vm.createContext(Object.create(null), options);
    const write = stringify.runInContext(context);
    return write(vm.runInContext(code, context));
  }

  evaluate("0");
  let waiting = "";
  input.setEncoding("utf8");
  input.on("data", function (chunk) {
    waiting += chunk;
    const length = waiting.indexOf("\n");
    if (length < 0) return;
    try {
      const code = JSON.parse(waiting.slice(0, length));
      waiting = waiting.slice(length + 1);
      output.write(evaluate(code) + "\n");
    } catch (error) {
      // Without the error's own function for being shown, which would be given objects of this context.
      errors.write(inspect(error, { customInspect: false }) + "\n");
    }
    output.write(end + "\n");
    errors.write(end + "\n");
  });
  input.on("end", leave);
  on("unhandledRejection", function () {});

  const kept = ["Object", "Function", "Array", "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError"];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!kept.includes(name) && !/^[A-Z][A-Za-z0-9]*(Error|Array|Map|Set)$/.test(name)) {
      try {
        delete globalThis[name];
      } catch (fixed) {
        // NaN, Infinity and undefined stay.
      }
    }
  }
  for (const name of Object.getOwnPropertyNames(process)) {
    if (/^(binding|_linkedBinding|dlopen|kill|_kill|getBuiltinModule|mainModule|execve|chdir|_rawDebug|env)$/.test(name)) {
      try {
        process[name] = undefined;
      } catch (fixed) {
        // Some are read-only in some versions; the permissions hold.
      }
    }
  }
  output.write("ready\n");
})();
