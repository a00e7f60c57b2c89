// One Digest exchange over a given body: what panels on Node carry with them.
'use strict';
const crypto = require('crypto');
const http = require('http');

const md5 = (s) => crypto.createHash('md5').update(s).digest('hex');

function post(url, body, agent, headers) {
  return new Promise((resolve, reject) => {
    const r = http.request(url, { method: 'POST', agent, headers: { 'Content-Type': 'text/xml', ...headers } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts).toString('utf8') }));
    });
    r.on('error', reject);
    r.end(body);
  });
}

// exchange posts, answers the one challenge, and gives the reply's text.
async function exchange(url, user, password, body, agent) {
  const first = await post(url, body, agent);
  const challenge = first.headers['www-authenticate'] || '';
  const realm = /realm="([^"]*)"/.exec(challenge);
  const nonce = /nonce="([^"]*)"/.exec(challenge);
  if (first.status !== 401 || !realm || !nonce || !/qop="[^"]*"/.test(challenge)) throw new Error('no challenge: ' + first.status);
  const uri = new URL(url).pathname;
  const cnonce = crypto.randomBytes(8).toString('hex');
  const answer = md5(`${md5(`${user}:${realm[1]}:${password}`)}:${nonce[1]}:00000001:${cnonce}:auth:${md5(`POST:${uri}`)}`);
  const reply = await post(url, body, agent, {
    Authorization: `Digest username="${user}", realm="${realm[1]}", nonce="${nonce[1]}", uri="${uri}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}", response="${answer}"`,
  });
  if (reply.status !== 200) throw new Error('HTTP ' + reply.status);
  return reply.body;
}

// play is the panel. caller(login, password, agent) makes a function that takes a method and its
// parameter, and resolves to the answer or throws {faultCode, faultString}; double writes a number as its text stands.
async function play(caller, [user, password], double) {
  const check = (name, good, why) => console.log(good ? `ok ${name}` : `FAILED ${name}: ${JSON.stringify(why)}`);
  const fault = async (p) => { try { await p; return {}; } catch (e) { return e; } };
  const call = caller(user, password);
  const account = { i_account: 100 };
  const threshold = async () => (await call('getLowBalance', account)).threshold;

  let v = await call('getLowBalance', { i_account: 101 });
  check('nil-read', v.result === 'OK' && 'threshold' in v && v.threshold == null, v);
  for (const [name, nothing] of [['nil-write', null], ['empty-null', '']]) {
    await call('setLowBalance', { ...account, threshold: 5.25 });
    const before = await threshold();
    await call('setLowBalance', { ...account, threshold: nothing });
    check(name, before === 5.25 && (await threshold()) == null, before);
  }
  await call('setLowBalance', { ...account, charge_amount: 10, notify_by_email: 1 });
  v = await call('getLowBalance', account);
  check('ints', v.charge_amount === 10 && v.notify_by_email === true, v);
  // JavaScript itself writes an exponent only where the number is too small for money.
  const small = await fault(call('setLowBalance', { ...account, threshold: 1e-7 }));
  await call('setLowBalance', { ...account, threshold: double('1e-05') });
  check('exponent', (await threshold()) === 1e-5 && small.faultCode === 400 && small.faultString === 'Wrong threshold', small);
  const card = { ...account, alias: 'a & b < c > d', i_card_type: 1, number: '4111111111111111', holder: 'A', exp_mm: 12, exp_yy: 2050,
    street_addr1: '1 Main St', state: 'NY', postal_code: '02134', city: 'Boston', country: 'US', phone: '+15551234567' };
  const one = { ...account, i_debit_credit_card: (await call('addDebitCreditCard', card)).i_debit_credit_card };
  v = await call('getDebitCreditCardInfo', one);
  check('digits', v.number === '1111' && v.postal_code === '02134' && v.phone === '+15551234567' && v.alias === card.alias, v);
  const f = [await fault(call('getLowBalance', { i_account: 999999 })), await fault(call('getLowBalance', {})), await fault(call('noSuchMethod', {}))];
  check('fault', f[0].faultCode === 401 && f[0].faultString === 'Wrong i_account' && f[1].faultCode === 400 && f[1].faultString === 'Parameter i_account is required'
    && /do not have a method with that name/.test(f[2].faultString), f);
  const refused = await fault(caller(user, 'wrong')('getLowBalance', account));
  check('password', /401/.test(refused.message), refused.message);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const kept = caller(user, password, agent);
  const three = [];
  for (let i = 0; i < 3; i++) three.push((await kept('getAccountMinutePlans', account)).result);
  agent.destroy();
  check('three', three.join() === 'OK,OK,OK', three);
  const all = await Promise.all(Array.from({ length: 50 }, () => call('getLowBalance', account)));
  check('parallel', all.every((r) => r.result === 'OK'), all.length);
  const text = 'a & b < c > d "é" ц';
  await call('updateDebitCreditCard', { ...one, alias: text });
  v = await call('getDebitCreditCardInfo', one);
  check('text', v.alias === text, v);
  const rows = [];
  for (const n of [0, 1, 1000]) {
    const list = (await caller('rows' + n, 'rows' + n)('listAccounts', {})).accounts;
    rows.push(n === 0 || list[n - 1].username === `a & b <${n}> "é" ц` ? list.length : list[n - 1]);
  }
  check('rows', JSON.stringify(rows) === '[0,1,1000]', rows);
  v = await call('system.multicall', [100, 200, 101].map((id) => ({ methodName: 'setLowBalance', params: [{ i_account: id, charge_amount: 10 }] })));
  check('multicall', v[0][0].result === 'OK' && v[1].faultCode === 401 && v[1].faultString === 'Wrong i_account' && v[2][0].result === 'OK', v);
}

module.exports = { exchange, play };
