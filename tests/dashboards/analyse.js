// Reads {tables: {NAME: "(Column: type, …)"}, queries: {NAME: text}} on stdin, and prints what Microsoft's parser finds
// wrong with each query. The library's folder is the only argument.
const fs = require("fs");
const path = require("path");

const folder = path.join(process.argv[2], "@kusto", "language-service-next");
require(path.join(folder, "bridge.js"));
require(path.join(folder, "Kusto.Language.Bridge.js"));
const { GlobalState, KustoCode, Symbols } = Kusto.Language;

const { tables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, schema]) => Symbols.TableSymbol.From(schema).WithName(name));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", symbols));

const found = {};
for (const [name, text] of Object.entries(queries)) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const diagnostics = code.GetDiagnostics();
  found[name] = [];
  for (let index = 0; index < diagnostics.Count; index++) {
    const { Code, Severity, Message } = diagnostics.getItem(index);
    found[name].push(`${Severity} ${Code}: ${Message}`);
  }
}
console.log(JSON.stringify(found));
