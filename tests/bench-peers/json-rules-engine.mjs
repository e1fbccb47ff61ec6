// json-rules-engine under Node.js. One rule a rule; sums of lines are facts with parameters, which a condition of a lower
// priority asks last. In: one JSON of { rules, receipts } on standard input; out: one of { load_ms, ns, found }.
import { Engine } from "json-rules-engine";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { rules, receipts, turns, least } = JSON.parse(Buffer.concat(chunks).toString());

const worked = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

const ofLine = (tests) => {
  const each = tests.map((test) => {
    if (test.skus) {
      const skus = new Set(test.skus);
      return (line) => skus.has(line.sku);
    }
    return test.not ? (line) => line[test.field] !== test.code : (line) => line[test.field] === test.code;
  });
  return (line) => each.every((holds) => holds(line));
};
const sum = (lines, holds, field) => {
  let total = 0;
  for (const line of lines) if (holds(line)) total += line[field];
  return total;
};

const before = worked();
const engine = new Engine([], { allowUndefinedFacts: true });
const lines = rules.map((rule) => ofLine(rule.lines));
for (const [name, field] of [["amount", "net"], ["pieces", "pieces"]]) {
  engine.addFact(name, async ({ rule }, almanac) => sum(await almanac.factValue("lines"), lines[rule], field));
}
rules.forEach((rule, number) => {
  const all = rule.conditions.map((condition) => (condition.fact ? { ...condition, priority: 10 } : condition));
  const last = (fact, value) => ({ fact, operator: "greaterThanInclusive", value, params: { rule: number }, priority: 1 });
  all.push(last("amount", rule.least_amount ?? 1));
  if (rule.least_pieces !== null) all.push(last("pieces", rule.least_pieces));
  engine.addRule({ conditions: { all }, event: { type: "found", params: { rule: number } } });
});
const load_ms = (worked() - before) / 1e6;

const decide = async (receipt) => {
  const { events } = await engine.run(receipt);
  return events.map(({ params: { rule } }) => [rule, sum(receipt.lines, lines[rule], "net")]);
};

// As many receipts as take a while, and at least a few.
const start = worked();
const found = [];
for (const receipt of receipts) {
  found.push(await decide(receipt));
  if (found.length >= least && worked() - start > 1e9) break;
}
let ns = Infinity;
for (let turn = 0; turn < turns; turn++) {
  const from = worked();
  for (let at = 0; at < found.length; at++) await decide(receipts[at]);
  ns = Math.min(ns, (worked() - from) / found.length);
}
console.log(JSON.stringify({ load_ms, ns, found }));
