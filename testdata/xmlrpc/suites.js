// Drives the UserLand validator and the interop echo tests with the xmlrpc package. The
// address of the server is the only argument. It prints ok, or every difference.
'use strict';
const { isDeepStrictEqual } = require('util');
const xmlrpc = require('../clients/node_modules/xmlrpc');

const client = xmlrpc.createClient(process.argv[2] + '/');
const ask = (method, ...params) => new Promise((resolve, reject) => client.methodCall(method, params, (err, v) => (err ? reject(err) : resolve(v))));
let failed = 0;
const fail = (...words) => { failed++; console.log(...words); };
async function check(method, want, ...params) {
  try {
    const got = await ask(method, ...params);
    if (!isDeepStrictEqual(got, want)) fail(method, 'got', got, 'want', want);
  } catch (e) {
    fail(method, e);
  }
}
async function refused(method, ...params) {
  try {
    fail(method, 'got', await ask(method, ...params), 'want a fault');
  } catch (e) {
    if (e.faultCode !== -32602) fail(method, e);
  }
}
// A double that JavaScript would write as an int.
class Double extends xmlrpc.CustomType {
  constructor(raw) { super(raw); this.tagName = 'double'; }
}

(async () => {
  const v = 'validator1.';
  await check(v + 'arrayOfStructsTest', 38, [{ curly: 5, larry: 1, moe: 2 }, { curly: -7, larry: 3 }, { curly: 40 }]);
  await check(v + 'arrayOfStructsTest', 0, []);
  await check(v + 'countTheEntities', { ctLeftAngleBrackets: 2, ctRightAngleBrackets: 1, ctAmpersands: 3, ctApostrophes: 3, ctQuotes: 2 }, '<<>&&&\'""\'\' plain é');
  await check(v + 'easyStructTest', 321, { moe: 1, larry: 20, curly: 300 });
  const nested = { substruct0: { moe: 1, larry: 2, curly: -3 }, list: [1, 'two', [3.5]], empty: {}, none: null, 'Ж <&>': 'Ж <&> ]]>' };
  await check(v + 'echoStructTest', nested, nested);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const date = new Date(2026, 3, 7, 9, 57, 29);
  const many = [-7, true, 'café & co', 2.5, date, bytes];
  await check(v + 'manyTypesTest', many, ...many);
  await check(v + 'moderateSizeArrayCheck', 'word0word149', Array.from({ length: 150 }, (_, i) => 'word' + i));
  const two = (n) => String(n).padStart(2, '0');
  const calendar = {};
  for (const y of [1999, 2000]) for (let m = 1; m <= 12; m++) for (let d = 1; d <= 28; d++) {
    ((calendar[y] ||= {})[two(m)] ||= {})[two(d)] = { moe: y, larry: m, curly: d };
  }
  await check(v + 'nestedStructTest', 2005, calendar);
  await check(v + 'simpleStructReturnTest', { times10: 120, times100: 1200, times1000: 12000 }, 12);

  const e = 'interopEchoTests.';
  for (const text of ['', 'a & b < c > d "é" ц', '02134', ' a\n', '𝔘']) await check(e + 'echoString', text, text);
  await check(e + 'echoStringArray', ['', 'a', '<b>'], ['', 'a', '<b>']);
  for (const n of [0, -1, 2147483647, -2147483648]) await check(e + 'echoInteger', n, n);
  await check(e + 'echoIntegerArray', [1, -2, 3], [1, -2, 3]);
  for (const n of [-2.5, 5.25, 0.1 + 0.2, 1e-7]) await check(e + 'echoFloat', n, n);
  await check(e + 'echoFloat', 3, new Double(3));
  await check(e + 'echoFloatArray', [1.5, -0.25], [1.5, -0.25]);
  const mixed = { varString: '<>&', varInt: 5, varFloat: 3.5, varBoolean: true };
  await check(e + 'echoStruct', mixed, mixed);
  await check(e + 'echoStructArray', [mixed, {}], [mixed, {}]);
  await check(e + 'echoBase64', bytes, bytes);
  await check(e + 'echoDate', date, date);
  for (const x of ['a', 1, 2.5, false, date, bytes, [1, 'a'], mixed, null]) await check(e + 'echoValue', x, x);
  await check(e + 'noInParams', 'topupd');
  const toolkit = await ask(e + 'whichToolkit');
  if (Object.keys(toolkit).sort().join() !== 'toolkitDocsUrl,toolkitName,toolkitOperatingSystem,toolkitVersion') fail('whichToolkit', toolkit);
  await refused(e + 'echoString', 1);
  await refused(e + 'echoFloat', 3); // which went as an int
  await refused(e + 'echoIntegerArray', ['x']);

  if (!failed) console.log('ok');
  process.exit(failed ? 1 : 0);
})();
